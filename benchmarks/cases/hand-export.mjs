import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { byHand, nullSink, otel } from './shared.mjs'

/** The same, its spans encoded as OTLP and sent to a sink that throws them away. */
export async function setup() {
  const { flush } = otel({ exporter: new OTLPTraceExporter({ url: `${await nullSink()}/v1/traces` }) })
  return { call: byHand(), flush }
}
