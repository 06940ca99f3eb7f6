// Kills a process (SIGKILL) so many microseconds after its log, from an offset on, holds a line of a pattern:
// `kill-at-line.mjs PID FILE OFFSET PATTERN MICROSECONDS`.
// A process of its own, since it looks again and again without a pause: the moment that is meant lasts for a few milliseconds.
import { openSync, readSync } from 'node:fs'

const [pid, file, offset, pattern, microseconds] = process.argv.slice(2)
const log = openSync(file, 'r')
const line = new RegExp(pattern)
const bytes = Buffer.alloc(256 * 1_024)
const deadline = performance.now() + 3_000
let end = 0
while (performance.now() < deadline) {
  end += readSync(log, bytes, end, bytes.length - end, Number(offset) + end)
  if (!line.test(bytes.latin1Slice(0, end))) continue
  const at = performance.now() + Number(microseconds) / 1_000
  while (performance.now() < at);
  break
}
try {
  process.kill(Number(pid), 'SIGKILL')
} catch {
  // It has ended by itself.
}
