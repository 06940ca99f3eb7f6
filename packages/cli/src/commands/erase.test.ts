import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createWriter, ensurePartitions, migrate } from '@throughline/postgres'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOperationRow } from '../../../../tests/support/operation-rows.js'
import { testDatabase } from '../../../../tests/support/postgres.js'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const sources = new URL('../../../recorder/test/sources.mjs', import.meta.url).href

let url: string
let pool: pg.Pool
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await testDatabase()
  url = database.url
  drop = database.drop
  pool = new pg.Pool({ connectionString: url })
  await migrate(url)
  await ensurePartitions(pool)
})
afterAll(async () => {
  await pool.end()
  await drop()
})

async function erase(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', sources, main, 'erase', ...args], {
    env: { PATH: process.env.PATH, THROUGHLINE_DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ])
  return { code, out, err }
}

test('a user is looked at, erased, and not there any more', async () => {
  await createWriter(pool).write([
    anOperationRow({ userId: 'ann' }),
    anOperationRow({ userId: 'ann' }),
    anOperationRow({ userId: 'bob' }),
  ])
  const looked = await erase('--user', 'ann', '--dry-run')
  expect(looked.out).toMatch(/^2 rows of 1 day, 0 parked records, 0 waiting copies would be erased$/m)
  const erased = await erase('--user', 'ann')
  expect(erased).toMatchObject({ code: 0, err: '' })
  expect(erased.out).toMatch(/^2 rows of 1 day, 0 parked records, 0 waiting copies erased$/m)
  expect(erased.out).toMatch(/^Logged as [0-9a-f-]{36} in throughline\.erased\./m)
  const again = await erase('--user', 'ann', '--json')
  expect(JSON.parse(again.out)).toMatchObject({ rows: 0, parked: 0, copies: 0, days: [] })
  const { rows } = await pool.query('SELECT user_id FROM throughline.operations')
  expect(rows).toEqual([{ user_id: 'bob' }])
})

test('without a user nothing is erased, and the way to say one is shown', async () => {
  for (const args of [[], ['--user', '']])
    expect(await erase(...args)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('--user ID'),
    })
  const { rows } = await pool.query('SELECT count(*)::int AS n FROM throughline.operations')
  expect(rows).toEqual([{ n: 1 }])
})
