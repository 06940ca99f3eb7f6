import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@throughline/cli'
import { createPool, createWriter, ensurePartitions, migrate, type Writer } from '@throughline/postgres'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { checkRollups } from '../../faults/audit.js'
import { type Database, openDatabase } from '../../faults/database.js'
import { expectedOf, type Journal, openJournal } from '../../faults/journal.js'
import { findGaps, judge } from '../../faults/oracle.js'
import { testDatabase } from '../../support/postgres.js'

let database: Database
let pool: pg.Pool
let writer: Writer
let dir: string
let journal: Journal
let drop: () => Promise<void>
const instance = randomUUID()

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'throughline-oracle-'))
  const made = await testDatabase()
  drop = made.drop
  await migrate(made.url)
  pool = createPool(made.url)
  await ensurePartitions(pool, { aheadDays: 1 })
  writer = createWriter(pool)
  database = openDatabase(made.url)
})
afterAll(async () => {
  await pool.end()
  await database.close()
  await drop()
  await rm(dir, { recursive: true })
})
beforeEach(async () => {
  await database.query('TRUNCATE throughline.operations, throughline.delivered, throughline.instances')
  journal = openJournal('row.1.', join(dir, 'journal.txt'))
  for (let number = 0; number < 20; number += 1) {
    journal.ask()
    if (number !== 7) journal.completed(number)
  }
})

/** The row that the recorder would store of this operation; `twin` makes another one of the same operation. */
function row(number: number, twin = 0): Parameters<Writer['write']>[0][number] {
  const { success, cents } = expectedOf(number)
  return {
    startedAtUs: BigInt(Date.now()) * 1_000n + BigInt(twin),
    traceId: randomUUID().replaceAll('-', ''),
    spanId: 'eee19b7ec3c1b174',
    parentSpanId: null,
    correlationId: `${journal.prefix}${number}`,
    service: 'orders',
    serviceVersion: null,
    operationService: 'Fault',
    operation: 'step',
    userId: null,
    durationUs: 1_000n,
    success,
    errorType: null,
    errorMessage: null,
    errorStack: null,
    metadata: null,
    business:
      cents === 0 ? null : '[{"name":"business.faults.amount","labels":{"currency":"USD"},"value":"0.25"}]',
    instance,
    seq: BigInt(number + 1),
  }
}

const rows = (numbers: Iterable<number>) => Array.from(numbers, (number) => row(number))
const verdict = () => judge(database, journal, 300, performance.now())

test('all completed operations there, those in doubt or not: nothing is wrong', async () => {
  await writer.write(rows(journal.numbers()))
  const seen = await verdict()
  expect(seen).toMatchObject({ completed: 19, rows: 19, lost: 0, doubled: 0, invented: 0, wrong: 0 })
})

test('a completed operation without a row is lost, and named, also where one in doubt fills the count', async () => {
  await writer.write(rows([...journal.numbers(), 7].filter((number) => number !== 4)))
  expect(await verdict()).toMatchObject({ rows: 19, lost: 1, lostSample: ['row.1.4'] })
})

test('a second row of an operation is a double, a row that nobody asked for is invented', async () => {
  await writer.write([...rows(journal.numbers()), row(4, 1), row(99)])
  expect(await verdict()).toMatchObject({ lost: 0, doubled: 1, invented: 1 })
})

test('a row that says another outcome or another sum is wrong', async () => {
  const stored = rows(journal.numbers())
  await writer.write(
    stored.map((one, at) =>
      at === 1 ? { ...one, success: false } : at === 4 ? { ...one, business: null } : one,
    ),
  )
  expect(await verdict()).toMatchObject({ lost: 0, wrong: 2 })
})

test('a number that never arrived is a gap of its instance', async () => {
  await writer.write(rows([0, 1, 2, 4, 5, 8]))
  expect(await findGaps(database, 0, new Set())).toEqual([{ instance, service: '', missing: 3 }])
  expect(await findGaps(database, 0, new Set([instance]))).toEqual([])
  await writer.write(rows([3, 6, 7]))
  expect(await findGaps(database, 0, new Set())).toEqual([])
})

test('rollups that are not the sum of their rows are found', async () => {
  const since = new Date(Date.now() - 60_000)
  await writer.write(rows(journal.numbers()))
  expect(await checkRollups(database, since)).toEqual([])
  await database.query(`UPDATE throughline.rollup_business SET sum = sum + 0.01 WHERE level = 'm'`)
  await database.query(`DELETE FROM throughline.operations WHERE correlation_id = 'row.1.5'`)
  const found = await checkRollups(database, since)
  expect(found).toContainEqual(expect.stringContaining('rollup of step'))
  expect(found).toContainEqual(expect.stringContaining('rollup of business.faults.amount'))
})

test('the journal is also on disk, a line for each completed operation', async () => {
  const lines = () => readFile(join(dir, 'journal.txt'), 'utf8')
  await until(async () => (await lines()).includes('row.1.19\n'), { what: 'the last line', everyMs: 10 })
  expect(await lines()).not.toContain('row.1.7\n')
  expect([journal.stateOf(7), journal.stateOf(8), journal.stateOf(20)]).toEqual([
    'doubt',
    'completed',
    'unknown',
  ])
})
