import { JobsError } from './errors.js'
import { rounded, toMillis } from './time.js'
import type { JobStatus } from './types.js'

const STATUSES: readonly JobStatus[] = ['pending', 'running', 'completed', 'failed', 'cancelled']

/** What could be read of an answer; every figure is a number that can be shown. */
export interface KnownState {
  readonly counts: Partial<Record<JobStatus, number>>
  readonly depth: number | undefined
  /** Seconds. */
  readonly oldestAge: number | undefined
  /** How many jobs the answer is about. */
  readonly jobs: number | undefined
}

/**
 * The figures of an answer, of which any may be missing or no figure at all.
 * @throws JobsError TL_JOBS_STATE if none is left
 */
export function readState(answer: unknown, now = Date.now()): KnownState {
  const state = stateOf(answer, now)
  if (state === undefined)
    throw new JobsError('TL_JOBS_STATE', 'state answered neither counts by status nor a depth')
  return state
}

/** The same of an answer that may be about something else. */
export function stateOf(answer: unknown, now = Date.now()): KnownState | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  const { counts: given, depth: waiting, oldestEnqueuedAt, jobs } = answer as Record<string, unknown>
  const counts: Partial<Record<JobStatus, number>> = {}
  let sum: number | undefined
  for (const status of STATUSES) {
    const value = typeof given === 'object' && given !== null ? figure(Reflect.get(given, status)) : undefined
    if (value === undefined) continue
    counts[status] = value
    sum = (sum ?? 0) + value
  }
  const depth = figure(waiting)
  if (sum === undefined && depth === undefined) return undefined
  const oldest = toMillis(oldestEnqueuedAt)
  // An empty queue has nobody who waits; one whose oldest is not known says nothing.
  const oldestAge = oldest === undefined ? (depth === 0 ? 0 : undefined) : Math.max(0, now - oldest) / 1_000
  return { counts, depth, oldestAge, jobs: figure(jobs) ?? sum }
}

/** As it stands in the row. */
export function stateMetadata({ counts, depth, oldestAge }: KnownState): Record<string, number> {
  const result: Record<string, number> = { ...counts }
  if (depth !== undefined) result.depth = depth
  if (oldestAge !== undefined) result.oldest_age_s = rounded(oldestAge)
  return result
}

function figure(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined
}
