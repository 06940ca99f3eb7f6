import { join } from 'node:path'
import { lookups, type Stack, until } from '@throughline/cli'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { installOwn } from '../support/npm.js'
import { ask, folder, runProgram, startService } from './support/service.js'
import { atEnd, testStack } from './support/test-stack.js'

let stack: Stack
let env: Record<string, string>

beforeAll(async () => {
  await installOwn(folder)
  stack = await testStack()
  const database = new pg.Client({ connectionString: stack.databaseUrl })
  await database.connect()
  await database.query(
    'CREATE TABLE jobs (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, headers jsonb NOT NULL)',
  )
  await database.end()
  env = {
    THROUGHLINE_RECORDER_URL: stack.recorderUrl,
    THROUGHLINE_RECORDER_TOKEN: stack.tokens.ingest,
    THROUGHLINE_SPOOL_DIR: join(stack.dir, 'spool'),
    DATABASE_URL: stack.databaseUrl,
  }
})

test('one ID and one trace lead through two services and a queue to a third, and into a row of each', async () => {
  const orders = await startService('orders', env)
  const stock = await startService('stock', env)
  const worker = runProgram('worker.mjs', { OTEL_SERVICE_NAME: 'shipping', ...env })
  atEnd(async () => {
    const children = [orders.child, stock.child, worker]
    for (const { process } of children) process.kill('SIGTERM')
    await Promise.all(children.map(({ ended }) => ended))
  })
  const { body } = await ask(`${orders.url}/order?stock=${encodeURIComponent(stock.url)}`, {
    'x-correlation-id': 'order-4711',
    'x-user': 'ada',
  })
  expect(body).toEqual({ id: 'order-4711' })
  await worker.printed('shipped order-4711')
  const rows = await until(
    async () => {
      const found = await lookups.rowsByCorrelation(stack.databaseUrl, 'order-4711')
      return found.length === 3 && found
    },
    { what: 'the three rows of order-4711' },
  )
  expect(rows.map(({ service, operation, userId }) => `${service} ${operation} ${userId}`).sort()).toEqual([
    'orders place ada',
    'shipping ship null',
    'stock look null',
  ])
  expect(new Set(rows.map(({ traceId }) => traceId)).size).toBe(1)
})
