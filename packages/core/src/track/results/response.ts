import type { Running } from '../running.js'
import { observeWebStream } from './web-stream.js'

/** A Response that came from the network: one that the program made itself has no address. */
export function isResponse(value: object): value is Response {
  return (
    'bodyUsed' in value &&
    Reflect.get(value, Symbol.toStringTag) === 'Response' &&
    value.constructor.name === 'Response' &&
    (value as Response).url !== ''
  )
}

/**
 * A fetched Response stays untouched; its body is observed. The operation lasts until the body is read. A body that nobody reads is no
 * fault: then the operation is the success that it was when the headers came, and ends when the Response is collected.
 */
export function observeResponse(running: Running, response: Response): boolean {
  const { body } = response
  if (body === null || response.bodyUsed) return false
  running.operation.whenLeft = 'success'
  return observeWebStream(running, body)
}
