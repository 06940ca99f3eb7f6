import { setTimeout as pause } from 'node:timers/promises'

/** Waits for a state; fails with its name when it does not come about. */
export async function until(what: string, state: () => unknown, deadlineMs = 30_000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await state())) {
    if (performance.now() > end) throw new Error(`did not come about in ${deadlineMs} ms: ${what}`)
    await pause(10)
  }
}
