import { context } from '@opentelemetry/api'
import { callMeter } from './calls.js'
import { type DialCallback, type DialOptions, type Modem, untraced } from './client.js'
import { cutError, watchCutAnswers } from './cut-answers.js'
import type { Health } from './health.js'
import type { Instruments } from './metrics.js'

/** Makes `modem.dial` measure each call. Answers what puts the former one back. */
export function wrapDial(
  modem: Modem,
  instruments: Instruments,
  health: Health,
  typeOfCreate: (options: unknown) => string,
): () => void {
  const own = Object.getOwnPropertyDescriptor(modem, 'dial')
  const original = modem.dial
  const meter = callMeter(instruments, health, typeOfCreate)
  const cuts = watchCutAnswers(modem)
  let open = true

  function dial(this: unknown, options: DialOptions, callback: DialCallback): unknown {
    const outer = context.active()
    const call = open && typeof callback === 'function' ? meter.begin(options, outer) : undefined
    if (call === undefined) return original.call(this as Modem, options, callback)
    const done: DialCallback = function (this: unknown, ...answer) {
      call.end(...answer)
      return context.with(outer, callback as (...args: unknown[]) => void, this as never, ...answer)
    }
    try {
      // A stream lives on in the caller's hands: what its listeners do is the caller's, and traced as ever.
      if (call.isStream) return original.call(this as Modem, call.options, done)
      cuts.watch(call.options, () => call.end(cutError()))
      return context.with(untraced(outer), () => original.call(this as Modem, call.options, done))
    } catch (error) {
      call.end(error)
      throw error
    }
  }

  modem.dial = dial
  return () => {
    open = false
    meter.close()
    cuts.close()
    if (modem.dial !== dial) return
    if (own === undefined) delete (modem as Partial<Modem>).dial
    else Object.defineProperty(modem, 'dial', own)
  }
}
