import type { TextMapPropagator } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { MetricReader } from '@opentelemetry/sdk-metrics'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import { createPageReader } from './metrics/page-reader.js'
import { readConfig, type StartOptions } from './options.js'
import { createExporters, type Exporters } from './otel/exporters.js'
import { createPropagator } from './otel/propagation.js'
import { identify } from './otel/resource.js'
import { correlationSpanProcessor } from './otel/span-processors.js'
import { DISABLED, run, type Throughline } from './run.js'

/** What `start` would have given to a NodeSDK of its own, for one that is yours. */
export interface Parts extends Throughline {
  /** `service.name`, `service.instance.id` and the rest of who this is: `defaultResource().merge(resource)`. */
  readonly resource: Resource
  /**
   * First: sets `correlation.id` and `user.id` on every span; when your provider is flushed or shut down, so are the records. Second, unless
   * `OTEL_TRACES_EXPORTER` is `none`: exports every span that is no operation.
   */
  readonly spanProcessors: SpanProcessor[]
  /** Export the metrics that you make by OpenTelemetry's API, over OTLP and on the metrics page. */
  readonly metricReaders: MetricReader[]
  /** W3C trace context and baggage (or `OTEL_PROPAGATORS`) and the correlation ID. */
  readonly propagator: TextMapPropagator
}

/**
 * Opens the spool, the records and the metrics of operations as `start` does, and leaves OpenTelemetry to you: for a NodeSDK that exists
 * already, or for a set-up without `@opentelemetry/sdk-node`. Nothing is registered and nothing instrumented.
 * @throws SdkError as `start` does.
 */
export async function parts(
  options: Omit<StartOptions, 'sampler' | 'instrumentations'> = {},
): Promise<Parts> {
  const config = readConfig(options)
  const propagator = await createPropagator(config)
  if (config.disabled)
    return {
      ...DISABLED,
      resource: identify(config, DISABLED.instance).resource,
      spanProcessors: [],
      metricReaders: [],
      propagator,
    }
  const page = config.metricsPort === undefined ? undefined : await createPageReader()
  let made: { resource: Resource; exporters: Exporters } | undefined
  const throughline = await run(config, () => ({
    spansAreShared: true,
    async companion(resource, notices) {
      const exporters = await createExporters(config, (problem) => notices.note('otel_error', problem))
      made = { resource, exporters }
      return {
        description: 'parts for an OpenTelemetry SDK of yours',
        tooEarly: [],
        collect: () => page?.collect() ?? Promise.resolve([]),
        flush: exporters.flush,
        // They belong to a provider, which ends them.
        shutdown: () => Promise.resolve(),
      }
    },
  }))
  const correlation: SpanProcessor = {
    ...correlationSpanProcessor,
    forceFlush: () => throughline.flush().then(() => {}),
    shutdown: () => throughline.shutdown().then(() => {}),
  }
  const { resource, exporters } = made!
  return {
    ...throughline,
    resource,
    spanProcessors: [correlation, ...exporters.spanProcessors],
    metricReaders: [...exporters.metricReaders, ...(page === undefined ? [] : [page.reader])],
    propagator,
  }
}
