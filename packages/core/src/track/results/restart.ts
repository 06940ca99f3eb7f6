import { steadyMs } from '../../clock.js'
import type { Operation } from '../../operation.js'

/** What was lazy begins now: the time that it lay about is nobody's duration. */
export function restart(operation: Operation): void {
  if (operation.ended) return
  operation.restart(steadyMs())
}
