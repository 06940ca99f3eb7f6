import { type Channel, channel } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { DialOptions, Modem } from './client.js'

/*
 * An engine that dies in the middle of an answer: the client listens to `data` and `end` of what it reads, and never calls back. What the
 * request itself says when it closes is the one sign of it. Node names each request as it is made, and the client makes it in `buildRequest`, which
 * has the options of the call: so the request is known without a hand on it.
 */
interface CutAnswers {
  /** `onCut` is called once if the answer to this call is cut; not for a stream, whose reader sees that. */
  watch(options: DialOptions, onCut: () => void): void
  close(): void
}

const created: Channel = channel('http.client.request.created')

export function watchCutAnswers(modem: Modem): CutAnswers {
  const own = Object.getOwnPropertyDescriptor(modem, 'buildRequest')
  const original = modem.buildRequest
  if (typeof original !== 'function') return { watch() {}, close() {} }
  const watched = new WeakMap<object, () => void>()
  let making: (() => void) | undefined

  const onCreated = (message: unknown): void => {
    if (making === undefined) return
    const onCut = making
    making = undefined
    const { request } = message as { request: ClientRequest & { res?: IncomingMessage } }
    request.once('close', () => {
      // One without an answer has had its error, one that is complete its end; the client tells of both.
      if (request.res?.complete === false) setImmediate(onCut)
    })
  }

  function buildRequest(this: unknown, ...args: unknown[]): unknown {
    const [, options] = args
    making = typeof options === 'object' && options !== null ? watched.get(options) : undefined
    try {
      return Reflect.apply(original as (...args: unknown[]) => unknown, this, args)
    } finally {
      making = undefined
    }
  }

  created.subscribe(onCreated)
  modem.buildRequest = buildRequest
  return {
    watch: (options, onCut) => void watched.set(options, onCut),
    close() {
      created.unsubscribe(onCreated)
      if (modem.buildRequest !== buildRequest) return
      if (own === undefined) delete modem.buildRequest
      else Object.defineProperty(modem, 'buildRequest', own)
    },
  }
}

/** As Node says it, for an answer that was cut without an error. */
export const cutError = (): Error => Object.assign(new Error('the answer was cut'), { code: 'ECONNRESET' })
