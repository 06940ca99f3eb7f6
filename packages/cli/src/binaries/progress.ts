import { plural } from '../terminal/plural.js'

export interface BuildProgress {
  /** What is built, for example `Prometheus`. */
  title: string
  /** Which build of how many, from 1. */
  index: number
  count: number
  /** `waiting`: another process builds the same thing, we take its result. */
  phase: 'waiting' | 'building' | 'done'
  elapsedMs: number
  /** Packages compiled so far; those that Go's own cache had already do not count. */
  packages: number
  /** The last line of the tool chain: a package that was compiled or a module that is downloaded. */
  lastLine: string
  /** Process that holds the build, while `waiting`. */
  holder?: number
}

/** One line for a terminal, for example `[2/3] Jaeger  1:07  412 packages  golang.org/x/net/http2`. */
export function formatProgress(progress: BuildProgress): string {
  const { title, index, count, phase, elapsedMs, packages, lastLine, holder } = progress
  const head = `[${index}/${count}] ${title}  ${clock(elapsedMs)}`
  if (phase === 'waiting') return `${head}  process ${holder} is building it, waiting for its result`
  if (phase === 'done') return `${head}  ready`
  return `${head}  ${plural(packages, 'package')}  ${lastLine}`.trimEnd()
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
