import { errorMonitor } from 'node:events'
import { fail, giveUp, outlive, type Running, succeed } from '../running.js'
import { hasMethod } from './properties.js'

/** What is used of a stream, of any version: core has no types of node:stream at run time. */
interface StreamLike {
  prependListener(event: string | symbol, listener: (...args: unknown[]) => void): unknown
  removeListener(event: string | symbol, listener: (...args: unknown[]) => void): unknown
  readonly readable?: unknown
  readonly readableEnded?: boolean
  readonly writableFinished?: boolean
  readonly destroyed?: boolean
  readonly errored?: unknown
}

export function isNodeStream(value: object): boolean {
  return (
    'prependListener' in value &&
    ('readableEnded' in value || 'writableFinished' in value) &&
    hasMethod(value, 'prependListener')
  )
}

/**
 * A Node stream: the same object, listened to. Each side it has must end: `end` of the readable one, `finish` of the writable one.
 * `errorMonitor` sees an error without handling it, so an error that nobody listens to still ends the process. Closed before its end: a
 * reader may stop when it has enough, that is a success; what was to be written and was not is `abandoned`.
 */
export function observeNodeStream(running: Running, value: object): boolean {
  const stream = value as StreamLike
  let reading = 'readableEnded' in stream && stream.readableEnded === false
  let writing = 'writableFinished' in stream && stream.writableFinished === false
  if (stream.errored !== undefined && stream.errored !== null) {
    fail(running, stream.errored)
    return true
  }
  if (stream.destroyed === true || !(reading || writing)) return false

  const listeners: [string | symbol, (...args: unknown[]) => void][] = [
    [
      'end',
      () => {
        reading = false
        settle()
      },
    ],
    [
      'finish',
      () => {
        writing = false
        settle()
      },
    ],
    ['close', () => end(() => (writing ? giveUp(running) : succeed(running, stream)))],
    [errorMonitor, (error) => isLeaving(error) || end(() => fail(running, error))],
  ]

  function settle(): void {
    if (!reading && !writing) end(() => succeed(running, stream))
  }

  function end(tell: () => void): void {
    for (const [event, listener] of listeners) stream.removeListener(event, listener)
    tell()
  }

  // Before the listeners that are there: the record is written before anyone can act on the end.
  for (const [event, listener] of listeners) stream.prependListener(event, listener)
  outlive(running, stream)
  return true
}

/** How Node destroys a stream when a `for await` is left; an AbortSignal gives its reason as the cause. `close` follows. */
function isLeaving(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ABORT_ERR' && error.cause === undefined
}
