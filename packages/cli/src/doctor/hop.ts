/** In the order in which they are shown: each stands below all that it needs. */
export const hopNames = [
  'sdk',
  'api',
  'spool',
  'address',
  'collector',
  'queues',
  'recorder',
  'token',
  'clock',
  'postgres',
  'schema',
  'partitions',
  'jaeger',
  'prometheus',
  'cloudwatch',
  'operation',
  'ingest-token',
  'record',
  'trace',
  'signature',
  'metric',
  'business',
] as const

export type HopName = (typeof hopNames)[number]

/**
 * - `ok`, `warning`: the way goes on
 * - `failed`: this is where it ends, with the command that mends it
 * - `not reached`: a hop before it failed, so that nothing is known of this one
 * - `skipped`: not part of this set-up, or nobody said where it is
 */
export type Outcome =
  | { readonly state: 'ok' | 'skipped' | 'not reached'; readonly found: string; readonly mend?: undefined }
  | { readonly state: 'warning' | 'failed'; readonly found: string; readonly mend: string }

export interface Hop {
  readonly name: HopName
  readonly title: string
  readonly group: string
  /** Without them it is not reached, or skipped as they are. */
  readonly needs?: readonly HopName[]
  /** It waits for them, and goes on whatever they found. */
  readonly after?: readonly HopName[]
  /** The longest that it may take, its needs not included. */
  readonly deadlineMs: number
  /** `before`: what a hop that it needs or comes after has found. */
  run(signal: AbortSignal, before: (name: HopName) => Result | undefined): Outcome | Promise<Outcome>
}

export type Result = Outcome & {
  readonly name: HopName
  readonly title: string
  readonly group: string
  readonly tookMs: number
}

/** What stands for a hop behind this one; undefined: nothing speaks against going on. */
export function stopsAt(result: Result | undefined): Outcome | undefined {
  if (result?.state === 'failed' || result?.state === 'not reached')
    return notReached(`needs ${result.title}`)
  return result?.state === 'skipped' ? skipped(result.found) : undefined
}

export const ok = (found: string): Outcome => ({ state: 'ok', found })
export const skipped = (found: string): Outcome => ({ state: 'skipped', found })
export const notReached = (found: string): Outcome => ({ state: 'not reached', found })
export const warning = (found: string, mend: string): Outcome => ({ state: 'warning', found, mend })
export const failed = (found: string, mend: string): Outcome => ({ state: 'failed', found, mend })
