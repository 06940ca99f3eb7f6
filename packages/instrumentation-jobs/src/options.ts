import { JobsError } from './errors.js'
import type { JobsOptions } from './types.js'

const INTERVAL_MS = 15_000
/** A queue that answers no faster is no longer worth a look every few seconds. */
const MAX_TIMEOUT_MS = 10_000
const MAX_TYPES = 50
/** The longest that a timer of Node can wait. */
const MAX_MS = 2_147_483_647

export interface Settings {
  readonly queue: string
  readonly capacity: number | undefined
  readonly system: string
  readonly trace: 'parent' | 'link'
  readonly state: JobsOptions['state']
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Undefined: nothing is said of the host. */
  readonly diskPath: string | undefined
  readonly maxTypes: number
  /** Whether there is something to say at each interval. */
  readonly periodic: boolean
}

/** @throws JobsError TL_JOBS_OPTION, naming the option */
export function settingsOf(options: JobsOptions): Settings {
  const { queue, capacity, state, host = true } = options
  const { system = 'throughline', trace = 'link', maxTypes = MAX_TYPES, intervalMs = INTERVAL_MS } = options
  const { timeoutMs = Math.min(intervalMs, MAX_TIMEOUT_MS) } = options
  refuse(typeof queue !== 'string' || queue === '', 'queue', 'the name of the queue')
  refuse(capacity !== undefined && !whole(capacity, 1), 'capacity', 'a whole number, 1 at least')
  refuse(trace !== 'parent' && trace !== 'link', 'trace', "'parent' or 'link'")
  refuse(state !== undefined && typeof state !== 'function', 'state', 'a function')
  refuse(!whole(intervalMs, 100), 'intervalMs', 'whole milliseconds, 100 at least')
  refuse(!whole(timeoutMs, 1), 'timeoutMs', 'whole milliseconds, 1 at least')
  refuse(!whole(maxTypes, 1), 'maxTypes', 'a whole number, 1 at least')
  const folder = (typeof host === 'object' ? host.diskPath : undefined) ?? process.cwd()
  return {
    queue,
    capacity,
    system,
    trace,
    state,
    intervalMs,
    timeoutMs,
    diskPath: host === false ? undefined : folder,
    maxTypes,
    // A process that only enqueues has no slots, asks nobody, and needs no row of its host.
    periodic: state !== undefined || capacity !== undefined,
  }
}

function whole(value: unknown, least: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= MAX_MS
}

function refuse(wrong: boolean, name: string, expected: string): void {
  if (wrong) throw new JobsError('TL_JOBS_OPTION', `instrumentJobs: option ${name} must be ${expected}`)
}
