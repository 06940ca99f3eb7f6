import { ensureBinaries } from '../binaries/ensure.js'
import { buildLog } from './build-log.js'

/** What the full stack runs beside Postgres and Node. */
const WANTED = ['otelcol', 'jaeger', 'prometheus'] as const

/**
 * Finds or builds the binaries in the background, with progress on the terminal. Each promise resolves as soon as that one can be started, and
 * rejects with the reason (no Go, a build that failed) when it cannot be had.
 */
export function buildInBackground(signal: AbortSignal): Record<(typeof WANTED)[number], Promise<void>> {
  const ready = {
    otelcol: Promise.withResolvers<void>(),
    jaeger: Promise.withResolvers<void>(),
    prometheus: Promise.withResolvers<void>(),
  }
  // Awaited one by one later; until then a failure is nobody's unhandled rejection.
  for (const name of WANTED) ready[name].promise.catch(() => {})
  ensureBinaries(WANTED, {
    onProgress: buildLog(),
    onReady: (name) => {
      if (name !== 'promtool') ready[name].resolve()
    },
    signal,
  }).catch((error: unknown) => {
    for (const name of WANTED) ready[name].reject(error)
  })
  return {
    otelcol: ready.otelcol.promise,
    jaeger: ready.jaeger.promise,
    prometheus: ready.prometheus.promise,
  }
}
