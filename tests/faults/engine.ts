import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { checkRollups } from './audit.js'
import { type Dice, rollingDice } from './dice.js'
import { openJournal } from './journal.js'
import { type LoadResult, quantile, startLoad } from './load.js'
import { BOUNDS } from './memory.js'
import { findGaps, judge, type Verdict } from './oracle.js'
import type { Row, Scene } from './row.js'
import type { World } from './world.js'

/** What came of one row. */
export interface Outcome {
  readonly row: Row
  readonly round: number
  /** Why it did not run. */
  readonly skipped?: string
  /** How often each kind of fault was let happen. */
  readonly injected: ReadonlyMap<string, number>
  readonly verdict?: Verdict
  /** Whether records may have been lost here, as said, if they are found. */
  readonly mayLose: boolean
  readonly p99Ms: number
  readonly peaks: Record<keyof typeof BOUNDS, number>
  readonly notes: readonly string[]
  /** What did not hold; empty: the row has passed. */
  readonly faults: readonly string[]
  readonly tookMs: number
}

export interface RowRun {
  readonly row: Row
  readonly round: number
  readonly seed: string
  readonly windowMs: number
  readonly thorough: boolean
  readonly backlog: number
  /** Instances whose gaps are explained, over the whole run. */
  readonly explained: Set<string>
}

/** Runs one row: load, faults at random times, all mended, everything arrived or the deadline over, then the oracle. */
export async function runRow(world: World, run: RowRun): Promise<Outcome> {
  const { row, round, seed, windowMs, thorough, backlog } = run
  const began = performance.now()
  // Clocks of the rows are up to five minutes off.
  const startedAt = new Date(Date.now() - 600_000)
  const faults: string[] = []
  const notes: string[] = []
  const injected = new Map<string, number>()
  const name = `${row.id}.${round}`
  const dice = rollingDice(`${seed}/${name}`)
  const journal = openJournal(`${name}.`, join(world.dir, 'journal.txt'))
  let draw: (() => unknown) | undefined
  const mayLose = row.namedHole === true && world.confirm === 'collector'
  const base = { row, round, injected, notes, faults, mayLose }
  const scene: Scene = {
    world,
    dice,
    journal,
    windowMs,
    thorough,
    backlog,
    inTurn: <T>(kinds: readonly T[]) => {
      draw ??= dice.bag(kinds)
      return draw() as T
    },
    fault: (what) => void faults.push(what),
    note: (what) => void notes.push(what),
  }
  const attempt = async (what: string, work: () => Promise<unknown> | undefined): Promise<void> => {
    try {
      await work()
    } catch (error) {
      faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  world.memory.takePeaks()
  let load: LoadResult = { timesMs: [], hung: 0, broken: 0 }
  await attempt('prepare', () => row.prepare?.(scene))
  if (faults.length === 0) {
    const rate = row.rate ?? 300
    const calls = rate > 0 ? startLoad({ callees: world.services, journal, rate }) : undefined
    await attempt('inject', () => injectAll(row, scene, injected))
    load = (await calls?.stop()) ?? load
  }
  const mendingAt = performance.now()
  await attempt('restore', () => row.restore?.(scene))
  await attempt('heal', () => world.heal())

  let verdict: Verdict | undefined
  await attempt('oracle', async () => {
    verdict = await judge(world.database, journal, row.drainMs ?? 45_000, mendingAt)
    faults.push(...complaints(verdict, mayLose))
    const gaps = await findGaps(world.database, mayLose ? 1_000 : 10_000, run.explained)
    const missing = gaps.reduce((sum, gap) => sum + gap.missing, 0)
    for (const gap of gaps) run.explained.add(gap.instance)
    const where = gaps.map(({ service, instance }) => `${service} ${instance}`).join(', ')
    if (!mayLose && missing > 0) faults.push(`${missing} numbers missing of ${where}`)
    if (mayLose && missing < verdict.lost)
      faults.push(`${verdict.lost} lost, of which only ${missing} are found as gaps`)
    else if (mayLose && missing > 0)
      notes.push(
        `the named hole: ${verdict.lost} lost, found as ${missing} missing numbers of their instances`,
      )
  })
  if (faults.length === 0)
    await attempt('rollups', async () => faults.push(...(await checkRollups(world.database, startedAt))))
  if (faults.length === 0) await attempt('check', () => row.check?.(scene))

  const peaks = world.memory.takePeaks()
  for (const [part, mib] of Object.entries(peaks))
    if (mib > BOUNDS[part as keyof typeof BOUNDS]) faults.push(`memory: a ${part} took ${mib} MiB`)
  if (load.hung > 0) faults.push(`${load.hung} calls were not answered in 10 s by a service that lives`)
  return {
    ...base,
    ...(verdict === undefined ? {} : { verdict }),
    p99Ms: quantile(load.timesMs, 0.99),
    peaks,
    tookMs: performance.now() - began,
  }
}

/** At least once, then until the window is over. */
async function injectAll(row: Row, scene: Scene, injected: Map<string, number>): Promise<void> {
  const end = performance.now() + scene.windowMs
  const pause = (dice: Dice) => delay(dice.whole(50, row.pauseMs ?? 600))
  await pause(scene.dice)
  do {
    if (row.inject !== undefined) {
      const what = await row.inject(scene)
      injected.set(what, (injected.get(what) ?? 0) + 1)
    }
    await pause(scene.dice)
  } while (!row.once && performance.now() < end)
}

function complaints(verdict: Verdict, mayLose: boolean): string[] {
  const found: string[] = []
  if (verdict.lost > 0 && !mayLose)
    found.push(`${verdict.lost} lost, such as ${verdict.lostSample.join(', ')}`)
  if (verdict.doubled > 0) found.push(`${verdict.doubled} doubled`)
  if (verdict.invented > 0) found.push(`${verdict.invented} rows of operations that nobody asked for`)
  if (verdict.wrong > 0) found.push(`${verdict.wrong} rows that say something else than what happened`)
  return found
}

/** The outcome of a row that cannot be run here. */
export function skippedRow(row: Row, round: number, skipped: string): Outcome {
  const peaks = { service: 0, recorder: 0, collector: 0 }
  return {
    row,
    round,
    skipped,
    injected: new Map(),
    mayLose: false,
    p99Ms: 0,
    peaks,
    notes: [],
    faults: [],
    tookMs: 0,
  }
}
