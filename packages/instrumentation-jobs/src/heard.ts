import {
  context,
  createContextKey,
  createNoopMeter,
  metrics,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api'
import { slot } from '@throughline/core/runtime'
import { SCOPE, VERSION } from './version.js'

const PROBE = createContextKey('throughline.jobs.probe')
const PROBED = ROOT_CONTEXT.setValue(PROBE, true)

/**
 * Whether anything of a job can be seen by anybody: an SDK of any kind, or a context manager that carries its IDs to log lines. Asked at each
 * job, as one may come later; without any, a job is only run.
 */
export function isHeard(): boolean {
  return slot.runtime !== undefined || isTraced() || metricsTaken() || hasContexts()
}

/** Whether anything takes metrics: the API's own provider makes the same meter for everybody. */
export function metricsTaken(): boolean {
  return metrics.getMeter(SCOPE, VERSION) !== createNoopMeter()
}

function isTraced(): boolean {
  const provider = trace.getTracerProvider()
  return (
    !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(SCOPE, VERSION) !== undefined
  )
}

function hasContexts(): boolean {
  return context.with(PROBED, () => context.active().getValue(PROBE) === true)
}
