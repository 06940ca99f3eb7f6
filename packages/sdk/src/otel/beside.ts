import { CorrelationPropagator } from '@throughline/core'
import type { Config } from '../options.js'
import type { Companion } from './companion.js'
import { ensureContextManager, propagateBeside } from './globals.js'
import { loadedTooEarly } from './instrumentations.js'

/**
 * Somebody else's SDK is in charge of OpenTelemetry: it keeps its spans, its metrics and its instrumentations (a second http
 * instrumentation would double every span). Operations are spans of its trace, and rows and metrics of ours.
 */
export async function liveBeside(config: Config): Promise<Companion> {
  const undo = [ensureContextManager(), propagateBeside(new CorrelationPropagator())]
  const tooEarly = loadedTooEarly(config.instrumentations)
  if (config.instrumentations.length > 0) {
    const { registerInstrumentations } = await import('@opentelemetry/instrumentation')
    undo.push(registerInstrumentations({ instrumentations: config.instrumentations }))
  }
  return {
    description:
      'beside an OpenTelemetry SDK that was registered before: spans that are no operations are its own',
    tooEarly,
    collect: () => Promise.resolve([]),
    flush: () => Promise.resolve(),
    async shutdown() {
      for (const step of undo.reverse()) step()
    },
  }
}
