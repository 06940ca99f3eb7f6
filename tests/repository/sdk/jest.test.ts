import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { installOwn } from '../../support/npm.js'
import { root } from '../workspace.js'

const folder = join(root, 'tests/sdk/jest')
const run = promisify(execFile)

beforeAll(() => installOwn(folder))

test('the harness and its matcher work in Jest, by require', async () => {
  const { stderr } = await run(process.execPath, [join(folder, 'node_modules/jest/bin/jest.js'), '--ci'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      TESTING: join(root, 'packages/sdk/dist/cjs/testing.js'),
      CORE: join(root, 'packages/core/dist/cjs/index.js'),
    },
  })
  expect(stderr).toMatch(/Tests: +2 passed, 2 total/)
})
