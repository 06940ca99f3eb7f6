import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { type TestDatabase, testDatabase } from '../../../tests/support/postgres.js'
import { deliveredRanges } from './delivered.js'
import { createPool, createWriter, ensurePartitions, migrate } from './index.js'
import { applyRetention, mergeDelivered } from './maintenance.js'
import { rollUp } from './rollups.js'

describe('roles', () => {
  let database: TestDatabase
  let admin: pg.Client
  const pools: pg.Pool[] = []

  /** A login that is a member of these groups, as a DBA would make it. */
  const login = async (...groups: string[]): Promise<string> => {
    const name = `login_${randomBytes(4).toString('hex')}`
    await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`)
    for (const group of groups) await admin.query(`GRANT ${group} TO ${name}`)
    const url = new URL(database.url)
    url.username = name
    url.password = 'secret'
    return url.href
  }
  const poolOf = (url: string): pg.Pool => {
    const pool = createPool(url)
    pools.push(pool)
    return pool
  }

  beforeAll(async () => {
    database = await testDatabase()
    admin = new pg.Client({ connectionString: database.url })
    await admin.connect()
    await migrate(admin)
  })
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()))
    await admin.end()
    await database.drop()
  })

  test('a writer starts, makes partitions, stores, parks, confirms and merges', async () => {
    const url = await login('throughline_writer')
    expect(await migrate(url)).toEqual([])
    const pool = poolOf(url)
    expect(await ensurePartitions(pool)).toHaveLength(3)
    const instance = randomUUID()
    const row = (seq: bigint) => anOperationRow({ instance, seq })
    const writer = createWriter(pool)
    const first = row(1n)
    await writer.write([first, row(2n)])
    expect(await writer.write([first, { ...row(3n), metadata: '{' }])).toMatchObject({
      duplicates: 1,
      deadLettered: [{ index: 1 }],
    })
    const told = { instance, atUs: 1n, service: 's', serviceVersion: null, environment: null, host: null }
    for (let round = 0; round < 2; round += 1)
      await writer.write([], [], [{ ...told, event: 'stop', seq: 4n, stopReason: 'shutdown', lastSeq: 4n }])
    expect(await deliveredRanges(pool, instance)).toEqual([[1n, 4n]])
    expect(await mergeDelivered(pool)).toBeGreaterThan(0)
    expect(await deliveredRanges(pool, instance)).toEqual([[1n, 4n]])
  })

  test('a writer cannot change or delete what is stored, admit a token, or drop a day', async () => {
    const url = await login('throughline_writer')
    const pool = poolOf(url)
    for (const sql of [
      'UPDATE throughline.operations SET success = true',
      'DELETE FROM throughline.operations',
      'TRUNCATE throughline.operations',
      'DELETE FROM throughline.delivered',
      'DELETE FROM throughline.dead_letter',
      "UPDATE throughline.schema_version SET sha256 = ''",
      "INSERT INTO throughline.tokens (name, role, hash) VALUES ('x', 'admin', sha256('x'))",
      'UPDATE throughline.tokens SET revoked_at = NULL',
      'CREATE TABLE throughline.mine ()',
      'SELECT throughline.grant_roles()',
    ])
      await expect(pool.query(sql), sql).rejects.toMatchObject({ code: '42501' })
    const now = () => Date.now() + 200 * 86_400_000
    await expect(applyRetention(url, { retentionDays: 1, now })).rejects.toMatchObject({ code: '42501' })
    await expect(pool.query("SELECT throughline.create_partition('1999-01-01')")).rejects.toMatchObject({
      code: '22023',
    })
  })

  test('a reader reads and does nothing else, and sees no token', async () => {
    const url = await login('throughline_reader')
    expect(await migrate(url)).toEqual([])
    const pool = poolOf(url)
    for (const name of ['operations', 'metrics', 'instances', 'delivered', 'dead_letter'])
      await pool.query(`SELECT * FROM throughline.${name} LIMIT 1`)
    for (const sql of [
      'SELECT * FROM throughline.tokens',
      'INSERT INTO throughline.delivered VALUES (gen_random_uuid(), 1, 1, 1)',
      'SELECT throughline.create_partition(current_date)',
      'SELECT throughline.merge_delivered()',
    ])
      await expect(pool.query(sql), sql).rejects.toMatchObject({ code: '42501' })
  })

  test('any member of the owner migrates and drops days, with no other right in the database', async () => {
    const url = await login('throughline_owner')
    await admin.query('DELETE FROM throughline.schema_version WHERE n = 8')
    await admin.query('DROP FUNCTION throughline.merge_delivered(), throughline.grant_roles()')
    expect(await migrate(url)).toEqual([8])
    const { rows } = await admin.query(
      `SELECT DISTINCT relowner::regrole::text AS owner FROM pg_class
       WHERE relnamespace = 'throughline'::regnamespace AND relkind IN ('r', 'p', 'v')
       UNION SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'throughline'::regnamespace`,
    )
    expect(rows).toEqual([{ owner: 'throughline_owner' }])
    await rollUp(poolOf(await login('throughline_writer')))
    const now = () => Date.now() + 200 * 86_400_000
    expect((await applyRetention(url, { now })).dropped).toHaveLength(3)
  })

  test('a role that may not migrate is told which migrations are missing and what to do', async () => {
    const bare = await testDatabase()
    const url = new URL(await login())
    url.pathname = new URL(bare.url).pathname
    await expect(migrate(url.href)).rejects.toMatchObject({
      code: 'TL_SCHEMA_OLDER',
      message: expect.stringMatching(/lacks migration 1, 2, .* role login_\w+ may not make them/),
    })
    await bare.drop()
  })

  test('a role that owns the database and may make no roles has everything, as one role', async () => {
    const name = `login_${randomBytes(4).toString('hex')}`
    await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`)
    const bare = await testDatabase()
    const url = new URL(bare.url)
    await admin.query(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${name}`)
    url.username = name
    url.password = 'secret'
    expect(await migrate(url.href)).toContain(8)
    const pool = poolOf(url.href)
    await ensurePartitions(pool)
    expect(await createWriter(pool).write([anOperationRow()])).toMatchObject({ inserted: 1 })
    expect((await applyRetention(url.href)).waiting).toBeNull()
    await pool.query('SELECT throughline.grant_roles()')
  })
})
