import {
  context,
  createContextKey,
  logs,
  metrics,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator } from '@opentelemetry/core'

/** What an earlier start in this process left in OpenTelemetry's globals: they take no second one. */
let forget: (() => void) | undefined

/** Ours are gone from the globals when the next start asks; not at the shutdown, so that spans that are still open can end. */
export function holdGlobals(unload: () => void): void {
  forget = () => {
    unload()
    for (const api of [trace, metrics, logs, context, propagation]) api.disable()
  }
}

export function releaseGlobals(): void {
  forget?.()
  forget = undefined
}

/** Whether somebody else (a NodeSDK, Sentry) has registered a tracer provider: it stays in charge of everything but the operations. */
export function foreignTracerProvider(): boolean {
  const provider = trace.getTracerProvider()
  if (!(provider instanceof ProxyTracerProvider)) return 'getDelegate' in provider
  return provider.getDelegate() !== new ProxyTracerProvider().getDelegate()
}

/** How a context is entered other than by a closure: what `attach` of a manager answers leaves it again. */
export type ContextEntry = Pick<AsyncLocalStorageContextManager, 'attach'>

/** One of ours where there is none yet: it has to be registered, or operations would not be seen inside of themselves. */
export function newContextManager(): AsyncLocalStorageContextManager | undefined {
  return contextsWork() ? undefined : new AsyncLocalStorageContextManager().enable()
}

function contextsWork(): boolean {
  const key = createContextKey('throughline.probe')
  return context.with(ROOT_CONTEXT.setValue(key, 1), () => context.active().getValue(key) === 1)
}

/** Contexts follow calls and promises: by the manager that is there, else by one of ours. Returns what removes ours. */
export function ensureContextManager(): () => void {
  if (contextsWork()) return () => {}
  const manager = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(manager)
  return () => {
    context.disable()
    manager.disable()
  }
}

/**
 * Lets the correlation ID travel beside what somebody else's propagator carries. The API takes one propagator and hands it out to nobody
 * but by this method, which each 1.x has; without it the ID stays within the process. Returns what takes it back.
 */
export function propagateBeside(ours: TextMapPropagator): () => void {
  const api = propagation as unknown as { _getGlobalPropagator?: () => TextMapPropagator }
  const theirs = api._getGlobalPropagator?.()
  if (theirs === undefined) return () => {}
  const both = new CompositePropagator({ propagators: [theirs, ours] })
  propagation.disable()
  propagation.setGlobalPropagator(both)
  return () => {
    if (api._getGlobalPropagator?.() !== both) return
    propagation.disable()
    propagation.setGlobalPropagator(theirs)
  }
}
