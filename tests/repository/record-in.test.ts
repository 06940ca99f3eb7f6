import { join } from 'node:path'
import { expect, test } from 'vitest'
import { installOwn } from '../support/npm.js'
import { compile } from './frameworks/compile.js'
import { root } from './workspace.js'

const folder = join(root, 'tests/record-in')

test('the transactions of pg, Drizzle, Kysely, Knex and postgres.js fit the types of recordIn', async () => {
  await installOwn(folder)
  expect(await compile(folder)).toBe('')
})
