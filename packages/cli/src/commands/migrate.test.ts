import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../tests/support/postgres.js'
import { migrate } from './migrate.js'

let database: TestDatabase
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
afterEach(() => vi.restoreAllMocks())

const output = async (...args: string[]): Promise<string> => {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0)
  expect(await migrate(args)).toBe(0)
  vi.restoreAllMocks()
  return lines.join('')
}

test('prints the whole schema without a database, applies it, then prints that nothing is missing', async () => {
  const whole = await output('--print')
  expect(whole).toContain('CREATE TABLE throughline.operations')
  expect(whole).toContain('-- 0008 roles')
  expect(await output('--database', database.url)).toMatch(/^Applied: migration 1, 2, 3, /)
  expect(await output('--database', database.url)).toBe('The schema is up to date.\n')
  expect(await output('--print', '--database', database.url)).toBe('-- Nothing is missing.\n')
})

test('prints only what a database lacks, and changes nothing by that', async () => {
  await client.query('BEGIN; DELETE FROM throughline.schema_version WHERE n = 8; COMMIT')
  const missing = await output('--print', '--database', database.url)
  expect(missing).toContain('-- 0008 roles')
  expect(missing).not.toContain('-- 0001')
  const { rows } = await client.query('SELECT FROM throughline.schema_version WHERE n = 8')
  expect(rows).toHaveLength(0)
  await client.query('DROP FUNCTION throughline.merge_delivered(), throughline.grant_roles()')
  expect(await output('--database', database.url)).toBe('Applied: migration 8.\n')
})

test('adds the indexes of the reference once', async () => {
  const args = ['--indexes', 'reference', '--database', database.url]
  expect(await output(...args)).toContain(
    'Made: index operations_service_operation, operations_user_performance.',
  )
  expect(await output(...args)).toContain('The indexes are there.')
})

test('an unknown set of indexes, and a role that may not migrate, are told', async () => {
  await expect(migrate(['--indexes', 'all', '--database', database.url])).rejects.toMatchObject({
    code: 'TL_USAGE',
  })
  const bare = await testDatabase()
  await client.query("CREATE ROLE nobody_special LOGIN PASSWORD 'secret'")
  const url = new URL(bare.url)
  url.username = 'nobody_special'
  url.password = 'secret'
  await expect(migrate(['--database', url.href])).rejects.toMatchObject({
    message: expect.stringMatching(/role nobody_special may not make them/),
  })
  await bare.drop()
})
