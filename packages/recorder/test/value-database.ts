import { createPool, migrate } from '@throughline/postgres'
import type { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { testDatabase } from '../../../tests/support/postgres.js'

export type ValueDatabase = {
  url: string
  pool: Pool
  /** Makes the partitions of these days and adds rows; each `count` of them, a second apart from `at` (UTC) on. */
  add: (rows: AddedRows) => Promise<void>
}

export type AddedRows = {
  day: string
  /** Default `12:00`. */
  at?: string
  count: number
  operation?: string
  success?: boolean
  /** Users `user-0` … in turn. Default one. */
  users?: number
  durationUs?: number
  metadata?: Record<string, unknown> | null
  business?: unknown[] | null
}

/** For the top of a test file: one database with the schema, emptied before each test. */
export const useValueDatabase = (): ValueDatabase => {
  const state = {} as ValueDatabase
  let drop: () => Promise<void>
  let added = 0

  state.add = async (rows) => {
    const [service, operation] = (rows.operation ?? 'AllocationService.autoAllocate').split('.')
    await state.pool.query('SELECT throughline.create_partition($1)', [rows.day])
    await state.pool.query(
      `WITH added AS (
        INSERT INTO throughline.operations (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id,
          service, operation_service, operation, user_id, metadata, business)
        SELECT ($1::date + $11::time + n * interval '1 second') AT TIME ZONE 'UTC', gen_random_uuid(), $2::int8 + n, $3, 0, $4,
          'c', 'allocation', $5, $6, 'user-' || n % $7::int, $8::jsonb, $9::jsonb
        FROM generate_series(0, $10::int - 1) AS n RETURNING started_at
      ) SELECT throughline.mark_dirty(minute) FROM (SELECT DISTINCT throughline.minute_of(started_at) AS minute FROM added) AS m`,
      [
        rows.day,
        added,
        rows.durationUs ?? 1_000,
        rows.success ?? true,
        service,
        operation,
        rows.users ?? 1,
        rows.metadata === undefined ? null : JSON.stringify(rows.metadata),
        rows.business === undefined ? null : JSON.stringify(rows.business),
        rows.count,
        rows.at ?? '12:00',
      ],
    )
    added += rows.count
  }

  beforeAll(async () => {
    const database = await testDatabase()
    state.url = database.url
    drop = database.drop
    await migrate(database.url)
    state.pool = createPool(database.url)
  })
  beforeEach(async () => {
    await state.pool.query(
      `TRUNCATE throughline.operations, throughline.rollup_marks, throughline.rollup_operations, throughline.rollup_business,
         throughline.rollup_users, throughline.rollup_value_cells`,
    )
    await state.pool.query(`UPDATE throughline.rollup_floor SET floor = '-infinity'`)
  })
  afterAll(async () => {
    await state.pool.end()
    await drop()
  })
  return state
}
