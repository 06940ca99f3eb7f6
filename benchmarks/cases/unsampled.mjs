import { context, trace } from '@opentelemetry/api'
import { correlation } from '@throughline/core'

/** Runs in a request that was sampled out by its caller: an unsampled remote parent, and a correlation ID. */
export function inUnsampledRequest(run) {
  const parent = {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    traceFlags: 0,
    isRemote: true,
  }
  return context.with(trace.setSpanContext(context.active(), parent), () =>
    correlation.run('request-4711', run),
  )
}
