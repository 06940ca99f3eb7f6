import type { Attributes, Span } from '@throughline/otlp'
import { createWriter, type LifecycleRecord, type OperationRow } from '@throughline/postgres'
import {
  databaseTime,
  findDeadLetters,
  keepDeadLetters,
  nextDeadLetters,
  removeDeadLetters,
} from '@throughline/postgres/dead-letters'
import type { Pool } from 'pg'
import { recordsOfSpan } from './records.js'

type Letter = { id: string; body: Buffer }

type RetryResult = {
  /** Rows that are there now and were not before. */
  stored: number
  /** Their row was there already, or they were no operations: nothing was left to do. */
  known: number
  /** Still refused, with today's reason. */
  kept: { id: string; reason: string }[]
}

// A letter may hold 200 KB; so many of them stay below 20 MB.
const batchSize = 100

/**
 * Tries parked records again with the rules of this version: those of the given IDs (whole ones), else all. What can
 * be stored becomes its row and is parked no longer; the rest stays and counts one retry more. It was counted as
 * delivered when it was parked, and is not again. May be cut and repeated at any point.
 */
export const retryDeadLetters = async (
  pool: Pool,
  options: { ids?: readonly string[]; retentionDays?: number } = {},
): Promise<RetryResult> => {
  const { ids, retentionDays } = options
  const writer = createWriter(pool, {
    countDelivered: false,
    ...(retentionDays === undefined ? {} : { retentionDays }),
  })
  const result: RetryResult = { stored: 0, known: 0, kept: [] }

  const retry = async (letters: readonly Letter[]): Promise<void> => {
    const read = letters.map(({ id, body }) => ({ id, ...readLetter(body) }))
    const lifecycle = read.flatMap((letter) => letter.lifecycle ?? [])
    const rows = read.flatMap((letter) => letter.row ?? [])
    const { inserted, deadLettered } = await writer.write(rows, [], lifecycle)

    const refusals = new Map(deadLettered.map(({ index, reason }) => [index, reason]))
    const kept: { id: string; reason: string }[] = []
    const gone: string[] = []
    let row = 0
    for (const letter of read) {
      const reason = letter.row === undefined ? letter.reason : refusals.get(row++)
      if (reason === undefined) gone.push(letter.id)
      else {
        kept.push({ id: letter.id, reason })
        // What was parked as a span and is refused as a row has just been parked as a row.
        if (letter.row !== undefined && letter.wasSpan) gone.push(letter.id)
      }
    }
    await removeDeadLetters(pool, gone)
    await keepDeadLetters(pool, kept)
    result.stored += inserted
    result.known += letters.length - kept.length - inserted
    result.kept.push(...kept)
  }

  if (ids !== undefined) {
    for (const id of ids) await retry(await findDeadLetters(pool, id))
    return result
  }
  const until = await databaseTime(pool)
  for (let afterId = ''; ; ) {
    const letters = await nextDeadLetters(pool, { afterId, until, limit: batchSize })
    if (letters.length === 0) return result
    await retry(letters)
    afterId = letters.at(-1)!.id
  }
}

type Read = {
  row?: OperationRow
  lifecycle?: LifecycleRecord
  /** Why it still can become neither. */
  reason?: string
  wasSpan?: boolean
}

/** A body is a row that Postgres or the writer refused, or a span that could not even become one. */
const readLetter = (body: Buffer): Read => {
  try {
    const { row, span, resource } = parseExactly(body.toString()) as Parked
    if (row !== undefined) return { row: rowOf(row) }
    if (span === undefined || resource === undefined) return { reason: 'the parked bytes are no record' }
    const { rows, lifecycle, rejected } = recordsOfSpan(spanOf(span), resource)
    if (rows[0] !== undefined) return { row: rows[0], wasSpan: true }
    if (lifecycle[0] !== undefined) return { lifecycle: lifecycle[0] }
    // A synthetic operation, which an earlier version took for one: nothing is left to do.
    return rejected[0] === undefined ? {} : { reason: rejected[0].reason }
  } catch (error) {
    return { reason: `the parked bytes are no record: ${error instanceof Error ? error.message : error}` }
  }
}

type Parked = { row?: OperationRow; span?: Span; resource?: Attributes }

const spanOf = (span: Span): Span => ({
  ...span,
  startTimeUnixNano: BigInt(span.startTimeUnixNano),
  endTimeUnixNano: BigInt(span.endTimeUnixNano),
})

const rowOf = (row: OperationRow): OperationRow => ({
  ...row,
  startedAtUs: BigInt(row.startedAtUs),
  durationUs: BigInt(row.durationUs),
  seq: row.seq === null ? null : BigInt(row.seq),
})

/** Integers beyond 2^53 come back as they were written: a time in nanoseconds is one. */
const parseExactly = (text: string): unknown =>
  JSON.parse(text, ((_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    context?.source !== undefined &&
    /^-?\d+$/.test(context.source)
      ? BigInt(context.source)
      : value) as Parameters<typeof JSON.parse>[1])
