import { readConfig, type StartOptions } from './options.js'
import { liveBeside } from './otel/beside.js'
import { foreignTracerProvider, newContextManager, releaseGlobals } from './otel/globals.js'
import { startNodeSdk } from './otel/node-sdk.js'
import { DISABLED, run, type Throughline } from './run.js'

/**
 * Starts the SDK: OpenTelemetry's NodeSDK with HTTP instrumentation, operation records through the spool, metrics with exemplars.
 * Call it before the modules that shall be instrumented are loaded; `--import @throughline/sdk/register` does that for you.
 *
 * Where another OpenTelemetry SDK has been registered before, that one keeps its spans, metrics and instrumentations, and this one adds
 * the operations: their spans in the other's traces, their records and metrics by ways of our own.
 * @throws SdkError on a wrong option, a taken metrics port, or when an SDK runs already.
 */
export async function start(options: StartOptions = {}): Promise<Throughline> {
  const config = readConfig(options)
  if (config.disabled) return DISABLED
  return run(config, () => {
    releaseGlobals()
    const beside = foreignTracerProvider()
    const contexts = beside ? undefined : newContextManager()
    return {
      spansAreShared: beside,
      contexts,
      companion: (resource, notices) =>
        beside
          ? liveBeside(config)
          : startNodeSdk(config, resource, contexts, (problem) => notices.note('otel_error', problem)),
    }
  })
}
