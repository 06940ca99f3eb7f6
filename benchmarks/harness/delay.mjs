// How late the event loop is under a steady load, at the 99th percentile, in ms.
//   node harness/delay.mjs <case file> <calls a second> <seconds>
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { finish, loadCase } from './load.mjs'

const { call, numbers } = await loadCase()
const [rate, seconds] = numbers
/** Its timer; what it measures is how long that took, so this is subtracted. */
const RESOLUTION_MS = 2

/** As many calls as are due at each turn; a loop that was late makes up for it. */
async function load(forMs) {
  const began = performance.now()
  let done = 0
  for (;;) {
    const elapsed = performance.now() - began
    if (elapsed >= forMs) return done / (elapsed / 1_000)
    for (const due = (elapsed * rate) / 1_000; done < due; done += 1) await call(done)
    await pause(1)
  }
}

await load(2_000)
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()
const reached = await load(seconds * 1_000)
delay.disable()
finish({ value: Math.max(0, delay.percentile(99) / 1_000_000 - RESOLUTION_MS), reached })
