import { type BuildProgress, formatProgress } from '../binaries/progress.js'
import { dim, say } from './print.js'

/** Without a terminal a line every 15 s tells enough. */
const QUIET_MS = 15_000

/** Prints the progress of builds: in a terminal one line that is written over, elsewhere a line now and then. */
export function buildLog(): (progress: BuildProgress) => void {
  let shown = 0
  return (progress) => {
    const line = formatProgress(progress)
    if (progress.phase === 'done') {
      if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
      say(dim(`Built: ${line}`))
    } else if (process.stdout.isTTY) {
      process.stdout.write(`\r\u001b[K${dim(line.slice(0, (process.stdout.columns ?? 80) - 1))}`)
    } else if (Date.now() - shown > QUIET_MS) {
      shown = Date.now()
      say(dim(`Building: ${line}`))
    }
  }
}
