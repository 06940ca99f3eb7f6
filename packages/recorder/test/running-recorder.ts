import pg from 'pg'
import { afterAll, beforeAll, beforeEach, vi } from 'vitest'
import { testDatabase } from '../../../tests/support/postgres.js'
import { createRecorder, type LogLine, type Recorder, type RecorderOptions } from '../src/index.js'

export type RunningRecorder = {
  url: string
  databaseUrl: string
  client: pg.Client
  lines: LogLine[]
  /** A second recorder on the same database with other options. */
  another: (options: Partial<RecorderOptions>) => Promise<{ url: string; recorder: Recorder }>
  rows: () => Promise<Record<string, unknown>[]>
  parked: () => Promise<string[]>
  /** Locks the table; resolves to the release. */
  lockTable: () => Promise<() => Promise<void>>
  /** How many statements wait for the lock. */
  waiting: () => Promise<number>
}

/** For the top of a test file: one recorder on a fresh database before all tests, empty tables before each. */
export const useRecorder = (): RunningRecorder => {
  const started: Recorder[] = []
  const state = { lines: [] as LogLine[] } as RunningRecorder
  let drop: () => Promise<void>

  state.another = async (options) => {
    const recorder = createRecorder({
      databaseUrl: state.databaseUrl,
      port: 0,
      auth: 'off',
      log: (line) => state.lines.push(line),
      ...options,
    })
    started.push(recorder)
    const { url } = await recorder.listen()
    await vi.waitUntil(async () => (await fetch(`${url}/healthz`)).ok, { timeout: 10_000 })
    return { url, recorder }
  }
  state.rows = async () =>
    (await state.client.query('SELECT * FROM throughline.operations ORDER BY started_at, operation')).rows
  state.parked = async () => {
    const { rows } = await state.client.query('SELECT reason FROM throughline.dead_letter ORDER BY reason')
    return rows.map((row) => row.reason)
  }
  state.lockTable = async () => {
    await state.client.query('BEGIN; LOCK TABLE throughline.operations IN ACCESS EXCLUSIVE MODE')
    return async () => void (await state.client.query('COMMIT'))
  }
  state.waiting = async () => {
    const { rows } = await state.client.query(
      `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'throughline.operations'::regclass`,
    )
    return rows[0].n
  }

  beforeAll(async () => {
    const database = await testDatabase()
    drop = database.drop
    state.databaseUrl = database.url
    state.url = (await state.another({})).url
    state.client = new pg.Client({ connectionString: database.url })
    await state.client.connect()
  })
  beforeEach(async () => {
    await state.client.query(
      'TRUNCATE throughline.operations, throughline.dead_letter, throughline.instances, throughline.delivered, throughline.tokens',
    )
  })
  afterAll(async () => {
    await Promise.all(started.map((recorder) => recorder.close()))
    await state.client.end()
    await drop()
  })
  return state
}
