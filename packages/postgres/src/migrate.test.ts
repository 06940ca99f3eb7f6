import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../tests/support/postgres.js'
import { bucketOf, ensurePartitions, migrate, printMigrations } from './index.js'
import { migrations } from './migrations/index.js'

const all = migrations.map((migration) => migration.n)

describe('migrate', () => {
  let database: { url: string; drop: () => Promise<void> }
  let client: pg.Client

  beforeAll(async () => {
    database = await testDatabase()
    client = new pg.Client({ connectionString: database.url })
    await client.connect()
  })
  afterAll(async () => {
    await client.end()
    await database.drop()
  })

  test('these tests run on the Postgres that was asked for', async () => {
    const { rows } = await client.query('SHOW server_version_num')
    const bin = process.env.THROUGHLINE_TEST_POSTGRES_BIN ?? '/18/'
    expect(bin).toContain(`/${Math.floor(rows[0].server_version_num / 10_000)}/`)
  })

  test('three processes at once make the schema once, and a later run finds nothing to do', async () => {
    const runs = await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)])
    expect(runs.flat().sort((a, b) => a - b)).toEqual(all)
    expect(await migrate(client)).toEqual([])
    const lock = await client.query("SELECT count(*)::int AS held FROM pg_locks WHERE locktype = 'advisory'")
    expect(lock.rows[0].held).toBe(0)
  })

  test('the view metrics has the columns of the reference, with the types that are written down', async () => {
    const { rows } = await client.query(
      `SELECT column_name, data_type FROM information_schema.columns
       WHERE table_schema = 'throughline' AND table_name = 'metrics' ORDER BY ordinal_position`,
    )
    expect(rows.map((row) => [row.column_name, row.data_type])).toEqual([
      ['id', 'text'],
      ['correlation_id', 'text'],
      ['service_name', 'text'],
      ['method_name', 'text'],
      ['user_id', 'text'],
      ['duration_ms', 'double precision'],
      ['success', 'boolean'],
      ['error_message', 'text'],
      ['metadata', 'jsonb'],
      ['created_at', 'timestamp with time zone'],
    ])
    const comment = await client.query(`SELECT obj_description('throughline.metrics'::regclass) AS text`)
    expect(comment.rows[0].text).toMatch(/Deviations: id is text .* user_id is text/)
  })

  test('the bucket of a correlation ID is the same number in SQL and in TypeScript', async () => {
    const ids = [
      '',
      'order-4711',
      'ä€😀',
      ...[53, 54, 55, 56, 57, 64, 512].map((length) => 'x'.repeat(length)),
      ...Array.from({ length: 500 }, (_, n) => `id-${n}`),
    ]
    const { rows } = await client.query(
      'SELECT throughline.bucket(id) AS bucket FROM unnest($1::text[]) AS id',
      [ids],
    )
    expect(rows.map((row) => row.bucket)).toEqual(ids.map(bucketOf))
    expect(Math.max(...ids.map(bucketOf))).toBeLessThan(1024)
  })

  test('several recorders make the same partitions at once, each day once', async () => {
    const pools = [1, 2, 3].map(() => new pg.Pool({ connectionString: database.url, max: 1 }))
    try {
      const made = await Promise.all(pools.map((pool) => ensurePartitions(pool)))
      expect(made.flat()).toHaveLength(3)
      expect(await ensurePartitions(pools[0]!)).toEqual([])
      const { rows } = await client.query(
        `SELECT count(*)::int AS n FROM pg_inherits WHERE inhparent = 'throughline.operations'::regclass`,
      )
      expect(rows[0].n).toBe(3)
    } finally {
      await Promise.all(pools.map((pool) => pool.end()))
    }
  })

  test('no partition is made for a date far away, whoever asks', async () => {
    await expect(client.query(`SELECT throughline.create_partition('1999-01-01')`)).rejects.toThrow(
      /no partition is made for 1999-01-01/,
    )
  })

  test('what a DBA runs from the printed text is what migrate finds in order', async () => {
    const other = await testDatabase()
    const dba = new pg.Client({ connectionString: other.url })
    await dba.connect()
    await dba.query(printMigrations())
    expect(await migrate(dba)).toEqual([])
    await dba.end()
    await other.drop()
  })

  test('a database made by another build is refused, and one of a later version too', async () => {
    await client.query("UPDATE throughline.schema_version SET sha256 = 'f00' WHERE n = 2")
    await expect(migrate(client)).rejects.toMatchObject({
      code: 'TL_MIGRATION_CHANGED',
      message: expect.stringMatching(/migration 2 \(dead_letter\) of this database is f00/),
    })
    await client.query('DELETE FROM throughline.schema_version WHERE n = 2')
    await client.query("INSERT INTO throughline.schema_version (n, sha256) VALUES (99, 'f00')")
    await expect(migrate(database.url)).rejects.toMatchObject({ code: 'TL_SCHEMA_NEWER' })
  })
})
