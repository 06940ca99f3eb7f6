import { steadyMs } from './clock.js'
import { notice } from './notice.js'
import type { Operation } from './operation.js'
import { sharedSlot } from './slot.js'

/*
 * Operations whose result is not there yet: a promise, a stream, a generator, a callback. They are listed, oldest first, so that they
 * can be ended when the SDK stops; what only lives as long as somebody holds its result (all but native promises, whose operation goes
 * with them) is ended when that result is collected. Nothing here holds the result, its arguments or its `this`.
 */

/** About 5 MB. Beyond it the oldest is taken off the list: it still ends by itself, but leaves no record if the SDK stops before. */
const MAX_LISTED = 10_000

const { open } = sharedSlot

/** Lists an operation as open. Called where a result turns out to last. */
export function list(operation: Operation): void {
  if (operation.listed) return
  if (open.size >= MAX_LISTED) {
    unlist(open.oldest as Operation)
    notice('open_operation_unlisted', `more than ${MAX_LISTED} operations are open at once`)
  }
  operation.listed = true
  operation.older = open.newest
  operation.newer = undefined
  if (open.newest === undefined) open.oldest = operation
  else open.newest.newer = operation
  open.newest = operation
  open.size += 1
}

function unlist(operation: Operation): void {
  const { older, newer } = operation
  if (older === undefined) open.oldest = newer
  else older.newer = newer
  if (newer === undefined) open.newest = older
  else newer.older = older
  operation.older = undefined
  operation.newer = undefined
  operation.listed = false
  open.size -= 1
}

const collected = new FinalizationRegistry<Operation>((operation) => {
  abandon(operation)
})

/** Lists an operation, and ends it when what its caller holds is collected. */
export function watch(operation: Operation, held: object): void {
  list(operation)
  operation.watched = true
  collected.register(held, operation, operation)
}

/** An operation has ended: it is neither listed nor watched any more. */
export function release(operation: Operation): void {
  if (operation.listed) unlist(operation)
  if (operation.watched) {
    operation.watched = false
    collected.unregister(operation)
  }
}

/** A sign of life: an operation that is left lasted until the last of them. */
export function touch(operation: Operation): void {
  operation.durationMs = steadyMs() - operation.startSteadyMs
}

function abandon(operation: Operation): void {
  release(operation)
  if (operation.ended) return
  operation.outcome = operation.whenLeft
  operation.ended = true
  try {
    sharedSlot.runtime?.end(operation)
  } catch (problem) {
    notice('internal_error', `end of ${operation.names.spanName}`, problem)
  }
}

/**
 * Ends every open operation as `abandoned`, now: an SDK calls it before its last flush. Returns how many.
 * What still comes of them is for their callers as ever, and changes no record.
 */
export function abandonOpen(): number {
  let count = 0
  for (let at = open.oldest as Operation | undefined; at !== undefined; count += 1) {
    const newer = at.newer as Operation | undefined
    if (at.whenLeft === 'abandoned') touch(at)
    abandon(at)
    // Ending one may end others; then the list is read from its beginning again.
    at = newer?.listed ? newer : (open.oldest as Operation | undefined)
  }
  return count
}
