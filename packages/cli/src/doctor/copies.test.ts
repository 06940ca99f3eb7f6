import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { copiesOf, copyFor } from './copies.js'
import { compareVersions } from './versions.js'

const folders: string[] = []
let project: string
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'throughline-copies-'))
  folders.push(project)
})
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

const sdk = '@throughline/sdk'
const install = async (path: string, name: string, version = '0.1.0'): Promise<string> => {
  const folder = join(project, path)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version }))
  return folder
}
const found = async (from = project) =>
  (await copiesOf([sdk], from)).map(({ version, path }) => `${version} ${relative(project, path)}`)

test('a copy that npm nests in another package is found', async () => {
  await install(`node_modules/${sdk}`, sdk)
  await install('node_modules/other', 'other')
  await install(`node_modules/other/node_modules/${sdk}`, sdk, '0.2.0')
  expect(await found()).toEqual([
    '0.1.0 node_modules/@throughline/sdk',
    '0.2.0 node_modules/other/node_modules/@throughline/sdk',
  ])
  expect(await copyFor(join(project, 'node_modules/other'), sdk)).toMatchObject({ version: '0.2.0' })
})

test('a copy that several links lead to is one, as pnpm and workspaces have it', async () => {
  const kept = await install(`node_modules/.pnpm/sdk@0.1.0/node_modules/${sdk}`, sdk)
  await install('packages/app', 'app')
  for (const from of ['node_modules/@throughline', 'packages/app/node_modules/@throughline']) {
    await mkdir(join(project, from), { recursive: true })
    await symlink(kept, join(project, from, 'sdk'))
  }
  await symlink(join(project, 'packages/app'), join(project, 'node_modules/app'))
  expect(await found(join(project, 'packages/app'))).toEqual([`0.1.0 ${relative(project, kept)}`])
})

test('packages that link to each other do not lead in a circle', async () => {
  await install('node_modules/a', 'a')
  await install('b', 'b')
  await mkdir(join(project, 'node_modules/a/node_modules'))
  await mkdir(join(project, 'b/node_modules'))
  await symlink(join(project, 'b'), join(project, 'node_modules/a/node_modules/b'))
  await symlink(join(project, 'node_modules/a'), join(project, 'b/node_modules/a'))
  expect(await found()).toEqual([])
})

test('a folder of that name that is not that package is no copy', async () => {
  await install(`node_modules/${sdk}`, 'something-else')
  expect(await copyFor(project, sdk)).toBeUndefined()
})

test('versions are compared as numbers', () => {
  expect(['1.10.0', '1.9.0', '2.0.0', '1.10.1-rc.1', 'none'].sort(compareVersions)).toEqual([
    'none',
    '1.9.0',
    '1.10.0',
    '1.10.1-rc.1',
    '2.0.0',
  ])
})
