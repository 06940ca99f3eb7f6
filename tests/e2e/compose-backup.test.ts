import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removePostgresData, startPostgres } from '../../packages/cli/src/postgres/embedded.js'
import { createPool, createWriter, ensurePartitions, migrate } from '../../packages/postgres/src/index.js'
import { rollUp } from '../../packages/postgres/src/rollups.js'
import { anOperationRow } from '../support/operation-rows.js'

const bin = '/usr/lib/postgresql/15/bin'
const run = promisify(execFile)

describe.skipIf(!existsSync(`${bin}/pg_dump`))('docs/guides/backup.md on Postgres 15', () => {
  let dir: string
  let server: Awaited<ReturnType<typeof startPostgres>>
  let before: pg.Pool
  let after: pg.Pool
  const instance = randomUUID()
  const rows = Array.from({ length: 50 }, (_, n) => anOperationRow({ instance, seq: BigInt(n + 1) }))

  const databaseOf = (name: string): string => {
    const url = new URL(server.url)
    url.pathname = `/${name}`
    return url.href
  }
  /** Everything that a reader of the database could compare. */
  const contents = async (pool: pg.Pool) => {
    const { rows: tables } = await pool.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'throughline'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
       ORDER BY 1`,
    )
    const sums: Record<string, unknown> = {}
    for (const { name } of tables) {
      const { rows: found } = await pool.query(
        `SELECT count(*), md5(string_agg(one::text, E'\\n' ORDER BY one::text)) FROM throughline.${name} AS one`,
      )
      sums[name] = found[0]
    }
    const { rows: rights } = await pool.query(
      `SELECT relname, relowner::regrole::text AS owner, relacl::text FROM pg_class WHERE relnamespace = 'throughline'::regnamespace
       UNION ALL SELECT proname, proowner::regrole::text, proacl::text FROM pg_proc WHERE pronamespace = 'throughline'::regnamespace ORDER BY 1, 2, 3`,
    )
    return { sums, rights }
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tl-backup-'))
    server = await startPostgres({ dir, port: 20_000 + Math.floor(Math.random() * 12_000), bin })
    await migrate(databaseOf('throughline'))
    before = createPool(databaseOf('throughline'))
    await ensurePartitions(before)
    await createWriter(before).write(rows)
    await rollUp(before)
    // Stored and not yet summed up: the marks have to come along.
    await createWriter(before).write([anOperationRow({ instance, seq: 51n })])

    const dump = join(dir, 'throughline.dump')
    await run(`${bin}/pg_dump`, ['-Fc', '-f', dump, databaseOf('throughline')])
    await before.query('CREATE DATABASE restored')
    await run(`${bin}/pg_restore`, ['--exit-on-error', '-d', databaseOf('restored'), dump])
    after = createPool(databaseOf('restored'))
  })
  afterAll(async () => {
    await before?.end()
    await after?.end()
    await server?.stop()
    await removePostgresData(dir)
    await rm(dir, { recursive: true, force: true })
  })

  test('rows, sums, marks, what was delivered, owners and rights are the same', async () => {
    const restored = await contents(after)
    expect(restored).toEqual(await contents(before))
    expect(restored.sums.operations).toMatchObject({ count: '51' })
  })

  test('the schema is taken for what it is, and nothing is migrated again', async () => {
    expect(await migrate(databaseOf('restored'))).toEqual([])
  })

  test('it takes further records, and one that comes a second time stays one row', async () => {
    await ensurePartitions(after)
    const further = anOperationRow({ instance, seq: 52n })
    expect(await createWriter(after).write([rows[0]!, further])).toMatchObject({ inserted: 1, duplicates: 1 })
  })

  test('what was not summed up is', async () => {
    await rollUp(after)
    const { rows: found } = await after.query<{ count: string }>(
      `SELECT count(*) FROM throughline.operations`,
    )
    const { rows: summed } = await after.query<{ sum: string }>(
      `SELECT sum(count) FROM throughline.rollup_operations WHERE grain = 'a' AND level = 'h'`,
    )
    expect(summed[0]?.sum).toBe(found[0]?.count)
  })
})
