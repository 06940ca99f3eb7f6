import { syncBuiltinESMExports } from 'node:module'
import { type ContextManager, metrics } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { createPageReader } from '../metrics/page-reader.js'
import type { Config } from '../options.js'
import type { Companion } from './companion.js'
import { createExporters } from './exporters.js'
import { holdGlobals } from './globals.js'
import { createInstrumentations, loadedTooEarly, shortName } from './instrumentations.js'
import { createPropagator } from './propagation.js'
import { correlationSpanProcessor } from './span-processors.js'

/**
 * OpenTelemetry's own SDK, for every span and metric that is not ours.
 *
 * The order is load-bearing: instrumentations are registered before anything of the SDK is imported. Two exporters that sdk-node
 * imports take `http` at once, and taken before its instrumentation is there it would be wrapped twice: two client spans for each request.
 */
export async function startNodeSdk(
  config: Config,
  resource: Resource,
  contexts: ContextManager | undefined,
  report: (problem: string) => void,
): Promise<Companion> {
  const { registerInstrumentations } = await import('@opentelemetry/instrumentation')
  const instrumentations = await createInstrumentations(config, report)
  const tooEarly = loadedTooEarly(instrumentations)
  holdGlobals(registerInstrumentations({ instrumentations }))

  // The instrumentation patches the CommonJS form and holds that to be enough: `import { request } from 'node:http'` would stay as it was.
  for (const name of ['http', 'https']) process.getBuiltinModule(name)
  syncBuiltinESMExports()

  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const exporters = await createExporters(config, report)
  const [processor] = exporters.spanProcessors
  const page = config.metricsPort === undefined ? undefined : await createPageReader()
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    spanProcessors: [correlationSpanProcessor, ...exporters.spanProcessors],
    metricReaders: [...exporters.metricReaders, ...(page === undefined ? [] : [page.reader])],
    logRecordProcessors: [],
    ...(contexts === undefined ? {} : { contextManager: contexts }),
    textMapPropagator: await createPropagator(config),
    ...(config.sampler === undefined ? {} : { sampler: config.sampler }),
  })
  sdk.start()
  // They were registered before there was a provider, and this API has no proxy for meters as it has for tracers.
  for (const one of instrumentations) one.setMeterProvider(metrics.getMeterProvider())
  return {
    description: `instruments ${instrumentations.map(shortName).join(', ') || 'nothing'}`,
    tooEarly,
    collect: () => page?.collect() ?? Promise.resolve([]),
    ...(processor === undefined ? {} : { exportSpan: (span) => processor.onEnd(span) }),
    flush: exporters.flush,
    shutdown: () => sdk.shutdown(),
  }
}
