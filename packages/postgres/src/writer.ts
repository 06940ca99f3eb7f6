import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'
import { isDuplicate, isMissingPartition, isPoison, isRollback, PostgresError, sqlStateOf } from './errors.js'
import { instanceRows } from './instance-row.js'
import type { LifecycleRecord } from './lifecycle.js'
import { normalizeRow, type StartWindow, startWindow, withIdentity } from './normalize-row.js'
import { type DeadLetter, deadLetterBody, type OperationRow } from './operation-row.js'
import { partitionsFor } from './partitions.js'
import { insertCopies } from './record-in/insert-copies.js'
import { markDirty } from './rollups/mark-dirty.js'
import { runsOf } from './runs.js'
import { copyOperations } from './sql/copy-operations.js'
import { insertDeadLetters } from './sql/insert-dead-letters.js'
import { insertDelivered } from './sql/insert-delivered.js'
import { insertOperations } from './sql/insert-operations.js'
import { insertSynthetic } from './sql/insert-synthetic.js'
import { upsertInstances } from './sql/upsert-instances.js'
import type { SyntheticRecord } from './synthetic-record.js'
import { inTransaction } from './transaction.js'

type WriterOptions = {
  /** Records that started longer ago go to `dead_letter`. Default 90; at most 3,650. */
  retentionDays?: number
  /** Rows at fault that COPY may name in one batch before the rest is halved by INSERT. Default 8. */
  maxCopyAttempts?: number
  /** Batches after a duplicate that go by INSERT at once: redelivery comes in runs. Default 16. */
  insertBatches?: number
  /** False: `delivered` is left alone, for records that were counted when they came. Default true. */
  countDelivered?: boolean
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

type ParkedRow = { index: number; reason: string; sqlState: string | null }

type WriteResult = {
  inserted: number
  /** Rows that were stored already, or twice in this batch. Rows with `inTx` are in neither: they wait in `in_tx`. */
  duplicates: number
  /** Rows that can never be stored, by their index in the batch, and why. */
  deadLettered: ParkedRow[]
}

export type Writer = {
  /**
   * Stores the rows, parks `rejected` (records that could not even become rows), brings `instances` up to date and
   * writes down in `delivered` which numbers of each instance these were, in one transaction. Synthetic operations go with
   * it into a table of their own and nowhere else. Resolves after COMMIT.
   * Rejects with the error of Postgres when nothing was stored: `isRetryable` says whether to repeat.
   */
  write: (
    rows: readonly OperationRow[],
    rejected?: readonly DeadLetter[],
    lifecycle?: readonly LifecycleRecord[],
    synthetic?: readonly SyntheticRecord[],
  ) => Promise<WriteResult>
}

const maxRollbacks = 3

type Entry = { row: OperationRow; index: number }
type Fault = { entry: Entry; letter: DeadLetter }

/**
 * One batch takes this way:
 *
 * - arrange: limits applied; a row that can never be stored is parked; doubles dropped; sorted by the key, since two
 *   deliveries of one batch in different order would deadlock.
 * - copy: BEGIN, COPY, dead letters, COMMIT. It fails as a whole. 23505 (a row is known already) leads to insert. A row
 *   at fault is named by its line: it is parked and copy begins again, `maxCopyAttempts` times, then insert. A missing
 *   partition is made, once a batch, and the same way begins again.
 * - insert: the same with INSERT ... ON CONFLICT DO NOTHING, which names no line: under savepoints a failed part is
 *   halved until the rows at fault are alone.
 * - a deadlock or a serialization failure, which only a stranger in the table can bring about: the same way again.
 * - any other error ends it: nothing was stored.
 */
export const createWriter = (pool: Pool, options: WriterOptions = {}): Writer => {
  const retentionDays = options.retentionDays ?? 90
  const maxCopyAttempts = options.maxCopyAttempts ?? 8
  const insertBatches = options.insertBatches ?? 16
  const countDelivered = options.countDelivered ?? true
  const now = options.now ?? Date.now
  if (!(retentionDays >= 1 && retentionDays <= 3_650))
    throw new PostgresError('TL_POSTGRES_OPTION', `retentionDays is ${retentionDays}, not 1 to 3650`)

  let insertsLeft = 0

  const write: Writer['write'] = async (rows, rejected = [], lifecycle = [], synthetic = []) => {
    const { entries, copies, faults, doubles, numbered } = await arrange(
      rows,
      startWindow(now(), retentionDays),
    )
    const letters = rejected.map(withIdentity)
    const instances = instanceRows(lifecycle)
    const runs = countDelivered ? runsOf(numbered, letters, lifecycle.map(withIdentity)) : []
    let pending = entries
    let mode: 'copy' | 'insert' = insertsLeft > 0 ? 'insert' : 'copy'
    if (insertsLeft > 0) insertsLeft -= 1
    let attempts = 0
    let rollbacks = 0
    let mayMakePartitions = true
    const isFault = (error: unknown): boolean =>
      isPoison(error) && !(mayMakePartitions && isMissingPartition(error))

    for (;;) {
      try {
        const found: Fault[] = []
        const inserted = await inTransaction(pool, async (client) => {
          const count =
            mode === 'copy'
              ? await copyAll(client, pending)
              : await insertAll(client, pending, isFault, found)
          await insertCopies(client, copies)
          await insertDeadLetters(client, [...letters, ...[...faults, ...found].map((fault) => fault.letter)])
          await upsertInstances(client, instances)
          await insertDelivered(client, runs)
          await insertSynthetic(client, synthetic)
          if (count > 0) await markDirty(client, rowsOf(pending))
          return count
        })
        const duplicates = doubles + pending.length - found.length - inserted
        return { inserted, duplicates, deadLettered: parkedRows([...faults, ...found]) }
      } catch (error) {
        if (mayMakePartitions && isMissingPartition(error)) {
          mayMakePartitions = false
          await partitionsFor(
            pool,
            pending.map((entry) => entry.row.startedAtUs),
          )
        } else if (mode === 'copy' && isDuplicate(error)) {
          mode = 'insert'
          insertsLeft = insertBatches
        } else if (mode === 'copy' && isFault(error)) {
          const entry = pending[copyLine(error) - 1]
          attempts += 1
          if (entry === undefined || attempts > maxCopyAttempts) {
            mode = 'insert'
          } else {
            faults.push(faultOf(entry, error))
            pending = pending.filter((other) => other !== entry)
          }
        } else if (isRollback(error) && rollbacks < maxRollbacks) {
          rollbacks += 1
        } else {
          throw error
        }
      }
    }
  }
  return { write }
}

const faultOf = (entry: Entry, error: unknown): Fault => {
  const reason = error instanceof Error ? error.message : String(error)
  return { entry, letter: letterOf(entry.row, reason, sqlStateOf(error) ?? null) }
}

const letterOf = (row: OperationRow, reason: string, sqlState: string | null): DeadLetter => ({
  reason,
  sqlState,
  body: deadLetterBody(row),
  instance: row.instance,
  seq: row.seq,
})

const parkedRows = (faults: readonly Fault[]): ParkedRow[] =>
  faults
    .map(({ entry, letter }) => ({ index: entry.index, reason: letter.reason, sqlState: letter.sqlState }))
    .sort((a, b) => a.index - b.index)

/** COPY tells the row at fault as `COPY operations, line 17, column metadata`; 0 when it does not. */
const copyLine = (error: unknown): number =>
  Number(/^COPY \w+, line (\d+)/m.exec(String((error as { where?: string }).where))?.[1] ?? 0)

const byKey = (a: Entry, b: Entry): number => {
  if (a.row.startedAtUs !== b.row.startedAtUs) return a.row.startedAtUs < b.row.startedAtUs ? -1 : 1
  if (a.row.traceId !== b.row.traceId) return a.row.traceId < b.row.traceId ? -1 : 1
  if (a.row.spanId !== b.row.spanId) return a.row.spanId < b.row.spanId ? -1 : 1
  return 0
}

/** Rows of one go: half a millisecond, after which the sockets have their turn, else Postgres would wait for us. */
const rowsPerTurn = 512

const arrange = async (rows: readonly OperationRow[], window: StartWindow) => {
  const valid: Entry[] = []
  const faults: Fault[] = []
  const numbered: OperationRow[] = []
  for (const [index, input] of rows.entries()) {
    if (index % rowsPerTurn === rowsPerTurn - 1) await nextTurn()
    const { row, reason } = normalizeRow(input, window)
    const entry = { row, index }
    numbered.push(row)
    if (reason === null) valid.push(entry)
    else faults.push({ entry, letter: letterOf(row, reason, null) })
  }
  valid.sort(byKey)
  const distinct = valid.filter((entry, at) => at === 0 || byKey(valid[at - 1]!, entry) !== 0)
  // The key of a copy may be locked by the transaction that its record went into: it must not come near it.
  const entries = distinct.filter((entry) => entry.row.inTx !== true)
  const copies = rowsOf(distinct.filter((entry) => entry.row.inTx === true))
  return { entries, copies, faults, doubles: valid.length - distinct.length, numbered }
}

const rowsOf = (entries: readonly Entry[]): OperationRow[] => entries.map((entry) => entry.row)

const copyAll = async (client: PoolClient, entries: readonly Entry[]): Promise<number> =>
  entries.length === 0 ? 0 : copyOperations(client, rowsOf(entries))

/** Inserts what can be stored and adds the rows at fault to `faults`; what is no row's fault throws. */
const insertAll = async (
  client: PoolClient,
  entries: readonly Entry[],
  isFault: (error: unknown) => boolean,
  faults: Fault[],
): Promise<number> => {
  if (entries.length === 0) return 0
  await client.query('SAVEPOINT part')
  try {
    return await insertOperations(client, rowsOf(entries))
  } catch (error) {
    if (!isFault(error)) throw error
    await client.query('ROLLBACK TO SAVEPOINT part')
    if (entries.length === 1) {
      faults.push(faultOf(entries[0]!, error))
      return 0
    }
    const middle = entries.length >> 1
    const first = await insertAll(client, entries.slice(0, middle), isFault, faults)
    return first + (await insertAll(client, entries.slice(middle), isFault, faults))
  }
}
