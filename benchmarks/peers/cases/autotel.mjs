import { init, trace } from 'autotel'
import { attributes, work } from './shared.mjs'

/** A span with six attributes, exported to nowhere. */
export async function setup() {
  const nothing = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }
  init({ service: 'bench', autoInstrumentations: false, spanProcessors: [nothing], metricReaders: [] })
  return {
    call: trace('Billing.charge', (ctx) => async (i) => {
      ctx.setAttributes(attributes(i))
      return work(i)
    }),
  }
}
