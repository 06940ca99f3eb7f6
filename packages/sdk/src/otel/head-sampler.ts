import { type Context, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import type { Config } from '../options.js'

/** Whether the trace that `traceId` begins, or continues below `outer`, is to be seen. */
export type HeadSampler = (traceId: string, spanName: string, outer: Context) => boolean

/** `SamplingDecision.RECORD_AND_SAMPLED`; importing it would load the SDK before its instrumentations. */
const RECORD_AND_SAMPLED = 2

/**
 * The head sampler as a plain question, for operations that keep their spans themselves. Undefined where only the SDK knows the answer
 * (a ratio, or a sampler of an unknown name): then their spans are the SDK's.
 */
export function headSampler(config: Config, env: NodeJS.ProcessEnv = process.env): HeadSampler | undefined {
  const { sampler } = config
  if (sampler !== undefined)
    return (traceId, name, outer) =>
      Number(sampler.shouldSample(outer, traceId, name, SpanKind.INTERNAL, {}, []).decision) ===
      RECORD_AND_SAMPLED
  switch (env.OTEL_TRACES_SAMPLER || 'parentbased_always_on') {
    case 'always_on':
      return () => true
    case 'always_off':
      return () => false
    case 'parentbased_always_on':
      return (_traceId, _name, outer) => parentSampled(outer) ?? true
    case 'parentbased_always_off':
      return (_traceId, _name, outer) => parentSampled(outer) ?? false
    default:
      return undefined
  }
}

function parentSampled(outer: Context): boolean | undefined {
  const parent = trace.getSpanContext(outer)
  return parent === undefined ? undefined : (parent.traceFlags & TraceFlags.SAMPLED) !== 0
}
