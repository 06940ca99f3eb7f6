import type { Ask } from './confirm-request.js'
import type { Notices } from './notices.js'
import { covers, merged, type Range, runsOf } from './ranges.js'
import type { Batch, Segment } from './spool/segment.js'

/*
 * With `confirm: 'recorder'` a 200 of the Collector says only that it has the records; they are acknowledged in the spool when the recorder
 * says that they are in Postgres. Each request that was taken waits in a line, one line a segment.
 *
 * idle      Nothing waits. Left by `took`: to asking.
 * asking    The recorder is asked about every instance of which something waits, first after 0.5 s, then after at most 2 s, at once and every
 *           50 ms while somebody flushes. What it has in the front of a line is acknowledged. Nothing waits any more: idle. No answer: deaf.
 * deaf      The recorder cannot be asked. That is no sign against the records: nothing is sent again, and they are kept. Said once a cause,
 *           and asked again after 1 to 5 s. An answer: asking, and the time of all that waits begins anew.
 * closed    After `close`. What waits stays in the spool.
 *
 * Sent again, from the first record that is not confirmed, is a line whose front has waited for `timeoutMs` since the latest of: the 200; the
 * first answer after being deaf; and, as long as nothing that was taken later has been confirmed, the last confirmation, since a Collector
 * that works off a backlog has not come to it yet. Each time this happens to a segment its time doubles, five times at most.
 */

const FIRST_ASK_MS = 500
const LAST_ASK_MS = 2_000
const HURRIED_ASK_MS = 50
const FIRST_DEAF_MS = 1_000
const LAST_DEAF_MS = 5_000
/** Collectors send with several consumers: what was taken this much later may well arrive before. */
const OVERTAKEN_MS = 5_000
/** Beyond it neighbours in a line are joined: a line of an 8 MiB segment needs no finer steps. */
const LONGEST_LINE = 64
const MOST_DOUBLINGS = 5

export interface Confirmer {
  /** The receiver took the batch, and the reader of the segment went on behind it. */
  took(segment: Segment, batch: Batch): void
  /** The batch needs no confirmation (it is in quarantine), but waits for what is before it in its line. */
  passed(segment: Segment, batch: Batch): void
  /** Of a segment that was adopted: the recorder may have it already. True if it has all of the batch, which is then acknowledged. */
  known(segment: Segment, batch: Batch): Promise<boolean>
  /** Somebody waits. */
  hurry(): void
  close(): void
  /** Records taken that wait for confirmation; records sent again. */
  counts(): { readonly unconfirmed: number; readonly repeated: number }
}

interface Waiting {
  readonly runs: readonly Range[]
  readonly end: number
  readonly at: number
}

interface Line {
  waiting: Waiting[]
  doublings: number
}

/** What the recorder has said of one instance. */
interface Progress {
  /** When the youngest of what it has was taken, and since when it has it. */
  frontier: number
  movedAt: number
}

export function createConfirmer(options: {
  ask: Ask
  timeoutMs: number
  notices: Notices
  /** Something was acknowledged. */
  onConfirmed(): void
  /** The reader of a segment was set back. */
  onRepeat(): void
  /** Whether somebody waits. */
  hurried(): boolean
}): Confirmer {
  const { ask, timeoutMs, notices, onConfirmed, onRepeat, hurried } = options
  const lines = new Map<Segment, Line>()
  const progress = new Map<string, Progress>()
  /** What is known of instances whose segments were adopted. */
  const adopted = new Map<string, readonly Range[]>()
  let repeated = 0
  let answersSince = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let running = false
  let closed = false
  let askMs = FIRST_ASK_MS
  let deafMs = FIRST_DEAF_MS

  function later(ms: number): void {
    clearTimeout(timer)
    if (closed) return
    timer = setTimeout(() => void askAll(), ms)
    timer.unref()
  }

  function push(segment: Segment, runs: readonly Range[], end: number): void {
    const line = lines.get(segment) ?? { waiting: [], doublings: 0 }
    lines.set(segment, line)
    line.waiting.push({ runs, end, at: performance.now() })
    if (line.waiting.length > LONGEST_LINE) line.waiting = joined(line.waiting)
    if (!running && timer === undefined) later(hurried() ? HURRIED_ASK_MS : FIRST_ASK_MS)
  }

  async function askAll(): Promise<void> {
    if (running || closed) return
    running = true
    timer = undefined
    let confirmed = false
    try {
      for (const [instance, segments] of byInstance()) {
        const from = lowest(segments)
        const ranges = from === undefined ? [] : await ask(instance, from - 1)
        if (closed) return
        if (from !== undefined) answersSince = Math.min(answersSince, performance.now())
        for (const segment of segments) confirmed = settle(segment, ranges) || confirmed
      }
      deafMs = FIRST_DEAF_MS
      askMs = confirmed ? FIRST_ASK_MS : Math.min(askMs * 2, LAST_ASK_MS)
    } catch (error) {
      answersSince = Number.POSITIVE_INFINITY
      notices.note('confirm_failed', `the recorder cannot be asked: ${reason(error)}; records are kept`)
      askMs = deafMs
      deafMs = Math.min(deafMs * 2, LAST_DEAF_MS)
    } finally {
      running = false
    }
    if (confirmed) onConfirmed()
    if (isWaiting()) later(hurried() ? HURRIED_ASK_MS : askMs * (0.75 + Math.random() / 2))
    else askMs = FIRST_ASK_MS
  }

  function byInstance(): Map<string, Segment[]> {
    const found = new Map<string, Segment[]>()
    for (const segment of [...lines.keys()]) {
      if (segment.closed) lines.delete(segment)
      else if (lines.get(segment)!.waiting.length > 0)
        found.set(segment.instance, [...(found.get(segment.instance) ?? []), segment])
    }
    return found
  }

  function isWaiting(): boolean {
    for (const { waiting } of lines.values()) if (waiting.length > 0) return true
    return false
  }

  /** The least number that waits; undefined if none does. */
  function lowest(segments: readonly Segment[]): number | undefined {
    const runs = segments.flatMap((segment) => lines.get(segment)!.waiting.flatMap((one) => one.runs))
    return runs.reduce<number | undefined>((least, [lo]) => Math.min(least ?? lo, lo), undefined)
  }

  /** Acknowledges what is confirmed in the front of a line, and sends it again where that is due. True if the front moved. */
  function settle(segment: Segment, ranges: readonly Range[]): boolean {
    const line = lines.get(segment)
    if (line === undefined) return false
    const has = line.waiting.map(({ runs }) => runs.every((run) => covers(ranges, run)))
    const seen = progressOf(segment.instance)
    line.waiting.forEach((one, i) => {
      if (!has[i] || one.at <= seen.frontier || one.runs.length === 0) return
      seen.frontier = one.at
      seen.movedAt = performance.now()
    })
    const front = has.indexOf(false)
    const settled = line.waiting.splice(0, front === -1 ? line.waiting.length : front)
    if (settled.length > 0) acknowledge(segment, settled.at(-1)!.end)
    if (line.waiting.length === 0) lines.delete(segment)
    else if (isDue(line, seen)) repeat(segment, line)
    return settled.length > 0
  }

  function progressOf(instance: string): Progress {
    const known = progress.get(instance) ?? { frontier: 0, movedAt: 0 }
    progress.set(instance, known)
    return known
  }

  function isDue({ waiting, doublings }: Line, { frontier, movedAt }: Progress): boolean {
    const { at } = waiting[0]!
    const overtaken = frontier > at + Math.min(OVERTAKEN_MS, timeoutMs)
    const since = Math.max(at, answersSince, overtaken ? 0 : movedAt)
    return performance.now() - since > timeoutMs * 2 ** doublings
  }

  function repeat(segment: Segment, line: Line): void {
    const records = recordsIn(line.waiting)
    repeated += records
    notices.note(
      'record_resent',
      'the receiver took records that the recorder did not confirm in time',
      records,
    )
    line.waiting = []
    line.doublings = Math.min(line.doublings + 1, MOST_DOUBLINGS)
    segment.rewind()
    onRepeat()
  }

  function acknowledge(segment: Segment, end: number): void {
    try {
      segment.acknowledge(end)
    } catch (error) {
      // The position stands in memory; only a restart would send the batch again, and the row's key absorbs that.
      notices.note('spool_write_failed', `acknowledge: ${reason(error)}`)
    }
  }

  return {
    took: (segment, batch) => push(segment, runsOf(batch.seqs), batch.end),
    passed: (segment, batch) => push(segment, [], batch.end),
    async known(segment, batch) {
      let ranges = adopted.get(segment.instance)
      if (ranges === undefined) {
        // A recorder that cannot be asked: it is sent, perhaps a second time.
        ranges = await ask(segment.instance, 0).catch(() => [])
        adopted.set(segment.instance, ranges)
      }
      const has = ranges
      if (lines.has(segment) || closed || !runsOf(batch.seqs).every((run) => covers(has, run))) return false
      acknowledge(segment, batch.end)
      return true
    },
    hurry() {
      if (isWaiting() && !running) later(HURRIED_ASK_MS)
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
    counts: () => ({
      unconfirmed: [...lines.values()].reduce((sum, line) => sum + recordsIn(line.waiting), 0),
      repeated,
    }),
  }
}

function recordsIn(waiting: readonly Waiting[]): number {
  return waiting.reduce((sum, { runs }) => sum + runs.reduce((each, [lo, hi]) => each + hi - lo + 1, 0), 0)
}

/** Two by two; the younger one's time counts. */
function joined(waiting: readonly Waiting[]): Waiting[] {
  const result: Waiting[] = []
  for (let i = 0; i < waiting.length; i += 2) {
    const [first, second] = [waiting[i]!, waiting[i + 1]]
    result.push(second === undefined ? first : { ...second, runs: merged([...first.runs, ...second.runs]) })
  }
  return result
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
