import { describeFailure } from './failure.js'
import { type NoticeReason, sharedSlot } from './slot.js'

/** Tells the SDK what was refused, cut or went wrong, and why. Never throws: an SDK that cannot even be told must not fail the call. */
export function notice(reason: NoticeReason, what: string, problem?: unknown): void {
  try {
    const why =
      problem === undefined || typeof problem === 'string' ? problem : describeFailure(problem).message
    sharedSlot.runtime?.notice(reason, why === undefined ? what : `${what}: ${why.slice(0, 200)}`)
  } catch {
    // Nobody is left to tell.
  }
}
