import { setTimeout as delay } from 'node:timers/promises'
import { type OperationRecord, readNewest } from '@throughline/postgres/reading'
import { readOperations } from '@throughline/postgres/rollups'
import type { Pool } from 'pg'
import { faultCode } from '../errors.js'
import type { FaultLog } from '../fault-log.js'
import { shownFigures } from './figures.js'
import type { FiguresEvent } from './schemas/stream.js'

export type FeedEvent =
  | { event: 'operations'; rows: OperationRecord[]; skipped: boolean }
  | { event: 'figures'; data: FiguresEvent }

export type Feed = {
  /** Answers with what ends it. */
  subscribe: (listener: (event: FeedEvent) => void) => () => void
  size: () => number
  close: () => Promise<void>
}

const lookMs = 1_000
const figuresEvery = 2
const figuresMs = 300_000
/** A row bears the begin of its transaction: so long after it may still become visible. */
const overlapMs = 5_000
const maxRemembered = 20_000

const keyOf = ({ startedAt, traceId, spanId }: OperationRecord): string => `${startedAt} ${traceId} ${spanId}`

/**
 * One look a second at what was stored, for all who listen; none while nobody does. In the database, not in this
 * process: other recorders and `recordIn` write too.
 */
export const createFeed = (reads: Pool, log: FaultLog): Feed => {
  const listeners = new Set<(event: FeedEvent) => void>()
  const stopping = new AbortController()
  let running: Promise<void> | undefined

  const tell = (event: FeedEvent): void => {
    for (const listener of listeners) listener(event)
  }

  const look = async (): Promise<void> => {
    let since: string | undefined
    let began: string | undefined
    const seen = new Set<string>()
    for (let turn = 0; listeners.size > 0 && !stopping.signal.aborted; turn += 1) {
      try {
        const { rows, at, cut } = await readNewest(reads, since)
        began ??= at
        since = new Date(Math.max(Date.parse(at) - overlapMs, Date.parse(began))).toISOString()
        const fresh = rows.filter((row) => row.recordedAt >= began! && !seen.has(keyOf(row)))
        for (const row of fresh) seen.add(keyOf(row))
        for (const key of seen) {
          if (seen.size <= maxRemembered) break
          seen.delete(key)
        }
        if (fresh.length > 0) tell({ event: 'operations', rows: fresh, skipped: cut })
        if (turn % figuresEvery === 0) tell({ event: 'figures', data: await figures() })
      } catch (error) {
        log('stream', `the live feed waits: ${faultCode(error)}`)
      }
      await delay(lookMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {})
    }
    running = undefined
  }

  const figures = async (): Promise<FiguresEvent> => {
    const now = Date.now()
    const read = await readOperations(reads, { from: new Date(now - figuresMs), until: new Date(now) })
    const seconds = (now - read.from.getTime()) / 1000
    return {
      from: read.from.toISOString(),
      until: new Date(now).toISOString(),
      figures: shownFigures(read.figures[0], seconds),
    }
  }

  return {
    subscribe(listener) {
      listeners.add(listener)
      running ??= look()
      return () => void listeners.delete(listener)
    },
    size: () => listeners.size,
    async close() {
      stopping.abort()
      listeners.clear()
      await running
    },
  }
}
