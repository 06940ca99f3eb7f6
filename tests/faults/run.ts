import { cp, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Account, account } from './audit.js'
import { rollingDice } from './dice.js'
import { page } from './document.js'
import { type Outcome, type RowRun, runRow, skippedRow } from './engine.js'
import { accountLine, faultLines, rowLine, summary } from './report.js'
import type { Row } from './row.js'
import { rows as matrix } from './rows/index.js'
import { versionsOf } from './versions.js'
import { type Confirm, openWorld, type World } from './world.js'

export interface RunOptions {
  readonly minutes: number
  readonly seed: string
  readonly confirm: Confirm
  /** IDs of rows; none: all. */
  readonly only: readonly string[]
  /** Sets of processes that work through the rows side by side. */
  readonly lanes: number
  /** Operations that the long outage holds back. */
  readonly backlog: number
  /** Where the document goes. */
  readonly document: string | undefined
  readonly print: (line: string) => void
}

/** A row beyond these minutes would not fit into `npm test`. */
const THOROUGH_MINUTES = 5

/** Runs the matrix: each row once, then again in another order while there is time. Returns whether all held. */
export async function runFaults(options: RunOptions): Promise<boolean> {
  const { minutes, seed, confirm, lanes, print } = options
  const chosen = choose(options.only)
  const began = performance.now()
  const end = began + minutes * 60_000
  const dice = rollingDice(seed)
  const again = `npm run faults -- --minutes ${minutes} --seed ${seed}${confirm === 'recorder' ? '' : ` --confirm ${confirm}`}`
  // A third of the time is load, the rest is for starting, mending and draining; longer than 10 s shows nothing more.
  const windowMs = Math.min(10_000, Math.max(1_200, (minutes * 60_000 * lanes) / chosen.length / 3))
  print(
    `seed ${seed}: ${chosen.length} rows, ${(windowMs / 1_000).toFixed(1)} s of faults each, confirm: ${confirm}`,
  )

  const thorough = minutes > THOROUGH_MINUTES
  const outcomes: Outcome[] = []
  const explained = new Set<string>()
  const took = new Map<Row, number>()
  let round = 0
  let queue: Row[] = []
  const next = (): { row: Row; round: number } | undefined => {
    if (queue.length === 0 && (round === 0 || performance.now() < end)) {
      queue = dice.fork(`order ${round}`).shuffle(chosen)
      round += 1
    }
    // After the first round only what fits into the time, as far as the first one tells.
    while (round > 1 && queue[0] !== undefined && performance.now() + (took.get(queue[0]) ?? 0) > end)
      queue.shift()
    const row = queue.shift()
    return row === undefined ? undefined : { row, round }
  }

  const accounts: Account[] = []
  let postgres = ''
  async function lane(): Promise<void> {
    const since = new Date()
    await using world = await openWorld(confirm)
    const [server] = await world.database.query<{ server_version: string }>('SHOW server_version')
    postgres = server?.server_version ?? ''
    for (let turn = next(); turn !== undefined; turn = next()) {
      const run = { ...turn, seed, windowMs, backlog: options.backlog, thorough, explained }
      const { outcome, kept } = await runTurn(world, run)
      outcomes.push(outcome)
      took.set(outcome.row, outcome.tookMs)
      print(rowLine(outcome))
      for (const line of faultLines(outcome, again)) print(line)
      if (kept !== undefined) print(`    what is left of it: ${kept}`)
    }
    for (const service of world.services) await service.stop()
    accounts.push(await account(world, since))
  }
  await Promise.all(Array.from({ length: Math.min(lanes, chosen.length) }, lane))

  const tookMs = performance.now() - began
  const whole = totalOf(accounts)
  print(`\n${accountLine(whole)}`)
  for (const problem of whole.problems) print(`    ${problem}`)
  print(summary(outcomes, tookMs))
  if (options.document !== undefined) {
    const order = (outcome: Outcome) => matrix.indexOf(outcome.row)
    const sorted = outcomes.toSorted((a, b) => order(a) - order(b))
    const facts = {
      seed,
      minutes,
      confirm,
      tookMs,
      date: new Date().toISOString().slice(0, 10),
      versions: await versionsOf(postgres),
    }
    await writeFile(options.document, page(sorted, whole, facts))
  }
  // The hole of `confirm: 'collector'` shows in the account, and was judged in its row.
  return (
    outcomes.every((outcome) => outcome.faults.length === 0) && (whole.explained || confirm === 'collector')
  )
}

function totalOf(accounts: readonly Account[]): Account {
  return {
    instances: accounts.reduce((sum, one) => sum + one.instances, 0),
    redelivered: accounts.reduce((sum, one) => sum + one.redelivered, 0n),
    unexplained: accounts.reduce((sum, one) => sum + one.unexplained, 0n),
    explained: accounts.every((one) => one.explained),
    problems: accounts.flatMap((one) => one.problems),
  }
}

/** In the world of the lane, or in one of its own if the row wants that. */
async function runTurn(shared: World, run: RowRun): Promise<{ outcome: Outcome; kept?: string }> {
  const why = await run.row.unavailable?.()
  if (why !== undefined) return { outcome: skippedRow(run.row, run.round, why) }
  if (run.row.world === undefined) return look(shared, run)
  await using own = await openWorld(shared.confirm, run.row.world)
  return await look(own, run)
}

async function look(world: World, run: RowRun): Promise<{ outcome: Outcome; kept?: string }> {
  const outcome = await runRow(world, run)
  return outcome.faults.length === 0 ? { outcome } : { outcome, kept: await keepLogs(world.dir, outcome) }
}

function choose(only: readonly string[]): readonly Row[] {
  if (only.length === 0) return matrix
  const chosen = matrix.filter((row) => only.includes(row.id))
  const unknown = only.filter((id) => !matrix.some((row) => row.id === id))
  if (unknown.length > 0)
    throw new Error(
      `no such row: ${unknown.join(', ')}. There are: ${matrix.map((row) => row.id).join(', ')}`,
    )
  return chosen
}

/** The folder of the run is removed at its end; what tells about a failed row is kept. */
async function keepLogs(dir: string, outcome: Outcome): Promise<string> {
  const kept = await mkdtemp(join(tmpdir(), `throughline-faults-${outcome.row.id}-`))
  for (const name of ['logs', 'spool', 'journal.txt', 'postgres/postgres.log'])
    await cp(join(dir, name), join(kept, name), {
      recursive: true,
      filter: (path) => !path.endsWith('.sock'),
    }).catch(() => {})
  return kept
}
