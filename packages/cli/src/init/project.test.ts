import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folderOf } from '../../testing/folders.js'
import { readProject } from './project.js'

const manifest = (more: object = {}) =>
  JSON.stringify({ name: '@acme/shop', scripts: { start: 'node app.js' }, ...more })

function projectOf(more: object = {}, files: Record<string, string> = {}) {
  return readProject(folderOf({ 'package.json': manifest(more), ...files }))
}

describe('the package manager', () => {
  test.each([
    ['package-lock.json', 'npm'],
    ['npm-shrinkwrap.json', 'npm'],
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
    ['bun.lock', 'bun'],
    ['bun.lockb', 'bun'],
  ])('by %s is %s', (lockfile, name) => {
    expect(projectOf({}, { [lockfile]: '' }).packageManager).toMatchObject({
      name,
      because: lockfile,
      others: [],
    })
  })

  test('is the one that package.json names, whatever lockfile is left over', () => {
    const { packageManager } = projectOf({ packageManager: 'pnpm@10.4.0' }, { 'yarn.lock': '' })
    expect(packageManager).toMatchObject({
      name: 'pnpm',
      because: 'packageManager: pnpm@10.4.0',
      others: ['yarn.lock'],
    })
  })

  test('is npm where nothing says so', () => {
    expect(projectOf().packageManager).toMatchObject({ name: 'npm', because: 'no lockfile' })
  })

  test('of a member of a workspace is that of its root', () => {
    const root = folderOf({
      'package.json': '{"workspaces": ["services/*"]}',
      'yarn.lock': '',
      'services/shop/package.json': manifest(),
    })
    const project = readProject(join(root, 'services/shop'))
    expect(project).toMatchObject({ workspace: join('..', '..'), packageManager: { name: 'yarn' } })
  })

  test('says how a script is run', () => {
    expect(projectOf().packageManager.run('start')).toBe('npm start')
    expect(projectOf().packageManager.run('dev')).toBe('npm run dev')
    expect(projectOf({}, { 'pnpm-lock.yaml': '' }).packageManager.run('dev')).toBe('pnpm dev')
  })
})

test.each([
  [{ '@nestjs/core': '^11.0.0', express: '^5.0.0' }, 'NestJS'],
  [{ fastify: '^5.0.0' }, 'Fastify'],
  [{ express: '^4.0.0' }, 'Express'],
  [{ koa: '^3.0.0' }, 'Koa'],
  [{ hono: '^4.0.0' }, 'Hono'],
  [{ zod: '^4.0.0' }, 'none known'],
])('of %o the framework is %s', (dependencies, name) => {
  expect(projectOf({ dependencies }).framework.name).toBe(name)
})

test('the kind of modules, the language and the name are those of package.json', () => {
  expect(projectOf()).toMatchObject({
    service: 'shop',
    modules: 'commonjs',
    typescript: false,
    workspace: undefined,
  })
  expect(projectOf({ type: 'module' }, { 'tsconfig.json': '{}' })).toMatchObject({
    modules: 'esm',
    typescript: true,
  })
  expect(projectOf({ nodemonConfig: { exec: 'tsx' } }).nodemonConfig).toBe('nodemonConfig in package.json')
})

describe('is refused with what, where and what to do', () => {
  test.each([
    ['a folder without package.json', {}, /There is no package\.json in .*\nGo to the folder of a service/],
    ['a package.json that is none', { 'package.json': '{' }, /package\.json is not JSON/],
    ['a package.json that is a list', { 'package.json': '[]' }, /holds no object/],
    [
      'the root of a workspace',
      { 'package.json': '{"workspaces": ["a"]}' },
      /root of a workspace.*\nGo to the folder of the service/,
    ],
    ['a root by pnpm', { 'package.json': '{}', 'pnpm-workspace.yaml': '' }, /root of a workspace/],
    [
      'Next.js',
      { 'package.json': '{"dependencies": {"next": "16"}}' },
      /application of Next\.js.*not supported yet/,
    ],
  ])('%s', (_, files, message) => {
    expect(() => readProject(folderOf(files))).toThrow(
      expect.objectContaining({ code: 'TL_INIT_REFUSED', message: expect.stringMatching(message) }),
    )
  })

  test('a package.json that is not UTF-8', () => {
    const folder = folderOf({})
    writeFileSync(join(folder, 'package.json'), Buffer.from('{"name": "caf\xe9"}', 'latin1'))
    expect(() => readProject(folder)).toThrow(/is not UTF-8/)
  })
})
