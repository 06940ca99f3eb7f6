import { chmodSync, mkdirSync, rmdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { contentsOf, folderOf, put } from '../../testing/folders.js'
import { lintCollector } from '../collector-lint/lint.js'
import type { Profile } from '../stack/collector.js'
import { openStack } from '../stack/stack.js'
import { apply } from './apply.js'
import { unifiedDiff } from './change.js'
import { IMAGES } from './compose-file.js'
import { makePlan, type PlanOptions } from './plan.js'
import { RECORD } from './record.js'
import { applyUndo, planUndo } from './undo.js'

const VERSION = '0.1.0'
const MANIFEST = `{
  "name": "shop",
  "scripts": {
    "dev": "nodemon app.js",
    "start": "node app.js",
    "test": "node --test"
  },
  "dependencies": {
    "express": "^5.1.0"
  }
}
`

const plan = (folder: string, more: Partial<PlanOptions> = {}) =>
  makePlan(folder, {
    profile: 'prometheus',
    dir: 'throughline',
    pipeline: true,
    startLine: true,
    scripts: [],
    version: VERSION,
    ...more,
  })

function setUp(folder: string, more: Partial<PlanOptions> = {}): void {
  apply(folder, plan(folder, more).changes, VERSION)
}

const shop = (files: Record<string, string> = {}) =>
  folderOf({ 'package.json': MANIFEST, 'app.js': '', ...files })

describe('a service that is set up', () => {
  test('has its dependencies, its start lines and an example of its environment, and all other bytes as they were', () => {
    const folder = shop({ '.env.example': 'PORT=3000' })
    setUp(folder)
    const files = contentsOf(folder)
    expect(files['package.json']).toBe(`{
  "name": "shop",
  "scripts": {
    "dev": "nodemon --exec \\"node --import @throughline/sdk/register\\" app.js",
    "start": "node --import @throughline/sdk/register app.js",
    "test": "node --test"
  },
  "dependencies": {
    "@opentelemetry/api": "^1.10.0",
    "@throughline/core": "^0.1.0",
    "@throughline/sdk": "^0.1.0",
    "express": "^5.1.0"
  },
  "devDependencies": {
    "@throughline/cli": "^0.1.0"
  }
}
`)
    expect(files['.env.example']).toMatch(/^PORT=3000\n\n# Throughline.*\nOTEL_SERVICE_NAME=shop\n/)
    expect(files['app.js']).toBe('')
    expect(
      Object.keys(files).filter((path) => path.startsWith('throughline/') && !path.endsWith('/')),
    ).toEqual([
      'throughline/.env',
      'throughline/.gitignore',
      'throughline/collector/base.yaml',
      'throughline/collector/profiles/prometheus.yaml',
      'throughline/compose.yaml',
      'throughline/prometheus.yaml',
    ])
  })

  test('is not changed by a second run, nor by one after somebody has worked on what was written', () => {
    const folder = shop()
    setUp(folder)
    expect(plan(folder).changes).toEqual([])
    const before = contentsOf(folder)
    put(folder, {
      'throughline/compose.yaml': `${before['throughline/compose.yaml']}# mine\n`,
      '.env.example': `${before['.env.example']?.replace('OTEL_SERVICE_NAME=shop', 'OTEL_SERVICE_NAME=till')}`,
    })
    const again = plan(folder)
    expect(again.changes).toEqual([])
    expect(again.notes.join()).toContain(
      'throughline/compose.yaml was written by an earlier run and changed since',
    )
  })

  test('keeps what it has: ranges, variables, the mode of a file, the target of a link', () => {
    const folder = shop({
      '.env.example': 'OTEL_SERVICE_NAME=till\r\n',
      'real.json': MANIFEST.replace('"express"', '"@throughline/core": "0.1.0",\n    "express"'),
    })
    rmSync(join(folder, 'package.json'))
    symlinkSync('real.json', join(folder, 'package.json'))
    chmodSync(join(folder, 'real.json'), 0o640)
    setUp(folder)
    const files = contentsOf(folder)
    expect(files['real.json']).toContain('"@throughline/core": "0.1.0"')
    expect(files['real.json']).toContain('"@throughline/sdk": "^0.1.0"')
    expect(statSync(join(folder, 'real.json')).mode & 0o777).toBe(0o640)
    expect(files['.env.example']).toMatch(/^OTEL_SERVICE_NAME=till\r\n\r\n# Throughline/)
    expect(files['.env.example']).not.toMatch(/[^\r]\n|OTEL_SERVICE_NAME=shop/)
  })

  test('has secrets that nobody sees in the diff, that no repository takes, and that stay when the profile changes', () => {
    const folder = shop()
    const { changes } = plan(folder)
    const shown = changes.flatMap(unifiedDiff).join('\n')
    expect(shown).toContain('+THROUGHLINE_INGEST_TOKEN=…')
    expect(shown).not.toMatch(/tl_ingest_/)
    apply(folder, changes, VERSION)
    const secrets = contentsOf(folder)['throughline/.env']
    expect(secrets).toMatch(/^POSTGRES_PASSWORD=[\w-]{32}\nTHROUGHLINE_INGEST_TOKEN=tl_ingest_[\w-]{43}$/m)
    expect(statSync(join(folder, 'throughline/.env')).mode & 0o777).toBe(0o600)
    expect(contentsOf(folder)['throughline/.gitignore']).toBe('.env\n')
    setUp(folder, { profile: 'hybrid' })
    expect(contentsOf(folder)['throughline/.env']).toBe(secrets)
    expect(contentsOf(folder)['throughline/compose.yaml']).toContain('profiles/hybrid.yaml')
  })

  test('is left alone where a file of that name is somebody else’s', () => {
    const folder = shop({ 'throughline/compose.yaml': 'mine' })
    expect(() => plan(folder)).toThrow(
      expect.objectContaining({
        code: 'TL_INIT_CONFLICT',
        message: expect.stringContaining('throughline/compose.yaml'),
      }),
    )
    expect(plan(folder, { dir: 'ops/pipeline' }).changes.map(({ path }) => path)).toContain(
      'ops/pipeline/compose.yaml',
    )
    expect(plan(folder, { pipeline: false }).changes.map(({ path }) => path)).toEqual([
      '.env.example',
      'package.json',
    ])
  })

  test('is not written over what was saved between the diff and the answer', () => {
    const folder = shop()
    const { changes } = plan(folder)
    writeFileSync(join(folder, 'package.json'), '{}')
    expect(() => apply(folder, changes, VERSION)).toThrow(/changed in the meantime/)
    expect(Object.keys(contentsOf(folder))).toEqual(['app.js', 'package.json'])
  })
})

describe('undo', () => {
  test('leaves every byte as it was, after one run and after several', () => {
    const folder = shop({ '.env.example': 'PORT=3000', 'docs/readme.md': '' })
    const before = contentsOf(folder)
    setUp(folder, { pipeline: false })
    setUp(folder)
    setUp(folder, { profile: 'cloudwatch' })
    applyUndo(folder, planUndo(folder)!)
    expect(contentsOf(folder)).toEqual(before)
    expect(planUndo(folder)).toBeUndefined()
  })

  test('leaves folders that somebody else uses', () => {
    const folder = shop({ '.throughline/read-token': 'x', 'throughline/notes.md': '' })
    const before = contentsOf(folder)
    setUp(folder)
    applyUndo(folder, planUndo(folder)!)
    expect(contentsOf(folder)).toEqual(before)
  })

  test('does not touch a file that was changed since, shows what is left there, and takes back the rest; later that too', () => {
    const folder = shop()
    const before = contentsOf(folder)
    setUp(folder)
    const ours = contentsOf(folder)['package.json'] as string
    const theirs = ours.replace('"shop"', '"till"')
    put(folder, { 'package.json': theirs, 'throughline/compose.yaml': 'mine' })
    const undo = planUndo(folder)!
    expect(undo.kept.map(({ path, after }) => [path, after])).toEqual([
      ['throughline/compose.yaml', null],
      ['package.json', MANIFEST],
    ])
    expect(undo.kept.flatMap(unifiedDiff).join('\n')).toContain('-    "@throughline/sdk": "^0.1.0"')
    applyUndo(folder, undo)
    expect(contentsOf(folder)['package.json']).toBe(theirs)
    expect(Object.keys(contentsOf(folder))).toEqual([
      '.throughline/',
      '.throughline/.gitignore',
      RECORD,
      'app.js',
      'package.json',
      'throughline/',
      'throughline/compose.yaml',
    ])
    put(folder, { 'package.json': ours })
    rmSync(join(folder, 'throughline/compose.yaml'))
    applyUndo(folder, planUndo(folder)!)
    expect(contentsOf(folder)).toEqual(before)
  })

  test('after a run that was cut off takes back what it had written', () => {
    const folder = shop()
    const before = contentsOf(folder)
    setUp(folder)
    // As if it had ended before its last file.
    put(folder, { 'package.json': MANIFEST })
    applyUndo(folder, planUndo(folder)!)
    expect(contentsOf(folder)).toEqual(before)
  })

  test('of what an earlier run could not write is done by the next, and all of it taken back', () => {
    const folder = shop({ 'throughline/notes.md': '' })
    const before = contentsOf(folder)
    const { changes } = plan(folder)
    // Somebody makes a folder where a file shall be.
    mkdirSync(join(folder, '.env.example'))
    expect(() => apply(folder, changes, VERSION)).toThrow(
      expect.objectContaining({ code: 'TL_INIT_REFUSED' }),
    )
    rmdirSync(join(folder, '.env.example'))
    mkdirSync(join(folder, `package.json.${process.pid}.new`))
    expect(() => apply(folder, changes, VERSION)).toThrow(expect.objectContaining({ code: 'TL_INIT_WRITE' }))
    expect(contentsOf(folder)['package.json']).toBe(MANIFEST)
    rmdirSync(join(folder, `package.json.${process.pid}.new`))
    setUp(folder)
    expect(plan(folder).changes).toEqual([])
    applyUndo(folder, planUndo(folder)!)
    expect(contentsOf(folder)).toEqual(before)
  })

  test('outlives `throughline dev --fresh`', async () => {
    const folder = shop()
    setUp(folder)
    const stack = await openStack({ dir: join(folder, '.throughline'), fresh: true })
    await stack.stop()
    applyUndo(folder, planUndo(folder)!)
    expect(Object.keys(contentsOf(folder))).toEqual([
      '.throughline/',
      '.throughline/ingest-token',
      '.throughline/read-token',
      'app.js',
      'package.json',
    ])
  })

  test.each([
    ['no JSON', '{'],
    ['another format', '{"format": 2, "steps": []}'],
    [
      'a file elsewhere',
      JSON.stringify({
        format: 1,
        steps: [{ files: [{ path: '../x', before: 'x', hash: '' }], folders: [] }],
      }),
    ],
    ['a folder elsewhere', JSON.stringify({ format: 1, steps: [{ files: [], folders: ['/tmp'] }] })],
  ])('refuses a record with %s', (_, record) => {
    expect(() => planUndo(shop({ [RECORD]: record }))).toThrow(
      expect.objectContaining({ code: 'TL_INIT_RECORD' }),
    )
  })
})

describe('beside another tracer', () => {
  const started = (script: string, files: Record<string, string>, dependencies: object = {}) =>
    plan(
      shop({
        ...files,
        'package.json': JSON.stringify({ name: 'shop', scripts: { start: script }, dependencies }),
      }),
    ).start
  const sdk = 'const sdk = new opentelemetry.NodeSDK({})\nsdk.start()\n'
  const sentry = "import * as Sentry from '@sentry/node'\nSentry.init({})\n"

  test('a NodeSDK that is preloaded stays first', () => {
    const start = started('node --require ./dist/tracing.js dist/app.js', { 'src/tracing.ts': sdk })
    expect(start.scripts).toEqual({
      start: 'node --require ./dist/tracing.js --import @throughline/sdk/register dist/app.js',
    })
    expect(start.notes[0]).toMatch(/^src\/tracing\.ts:1 starts an OpenTelemetry SDK\. Preloaded before ours/)
  })

  test('the auto-instrumentations by a flag or by NODE_OPTIONS stay first', () => {
    const module = '@opentelemetry/auto-instrumentations-node/register'
    expect(started(`node --require ${module} app.js`, {}).notes[0]).toContain(
      `${module} starts an OpenTelemetry SDK`,
    )
    expect(started(`NODE_OPTIONS="--import ${module}" node app.js`, {}).scripts.start).toBe(
      `NODE_OPTIONS="--import ${module}" node --import @throughline/sdk/register app.js`,
    )
  })

  test('a NodeSDK that is started from the code would be too late, so its file is named and no start line set', () => {
    const start = started('node app.js', { 'src/tracing.ts': `\n${sdk}` })
    expect(start.scripts).toEqual({})
    expect(start.byHand).toMatchObject([
      { where: 'script start, and src/tracing.ts:2', mend: expect.stringContaining('parts()') },
    ])
  })

  test.each([
    ['^7.120.0', true],
    ['^8.0.0', false],
    ['~10.2.1', false],
    ['^11.12.0', true],
    ['latest', false],
  ])('Sentry %s from the code: a start line is safe: %s', (range, safe) => {
    const start = started('node app.js', { 'instrument.js': sentry }, { '@sentry/node': range })
    expect(Object.keys(start.scripts)).toEqual(safe ? ['start'] : [])
    expect(start.byHand).toHaveLength(safe ? 0 : 1)
  })

  test('Sentry 10 that is preloaded stays first', () => {
    const start = started(
      'node --import ./instrument.mjs app.js',
      { 'instrument.mjs': sentry },
      { '@sentry/node': '^10.0.0' },
    )
    expect(start.scripts.start).toBe(
      'node --import ./instrument.mjs --import @throughline/sdk/register app.js',
    )
  })

  test('dd-trace is told to leave traceparent alone', () => {
    const folder = shop({
      'package.json': JSON.stringify({ scripts: { start: 'node --import dd-trace/initialize.mjs app.js' } }),
    })
    const { start, changes } = plan(folder)
    expect(start.notes[0]).toContain('DD_TRACE_PROPAGATION_STYLE=datadog')
    expect(changes.find(({ path }) => path === '.env.example')?.after).toMatch(
      /^DD_TRACE_PROPAGATION_STYLE=datadog$/m,
    )
  })

  test('our own SDK, started from the code, needs no start line', () => {
    const start = started('node app.js', { 'main.js': "const { parts } = require('@throughline/sdk')" })
    expect(start).toMatchObject({ scripts: {}, already: ['start'], byHand: [] })
  })
})

describe('which scripts', () => {
  test('one that nobody knows how to start is refused with a list of what there is', () => {
    const folder = shop({ 'package.json': '{"scripts": {"build": "tsc", "go": "node app.js"}}' })
    expect(() => plan(folder)).toThrow(
      /No script .*\n.*\n {2}build: tsc\n {2}go: node app\.js\n[\s\S]*Nothing was changed/,
    )
    expect(plan(folder, { scripts: ['go'] }).start.scripts).toEqual({
      go: 'node --import @throughline/sdk/register app.js',
    })
    expect(() => plan(folder, { scripts: ['gone'] })).toThrow(/no such script.*\n.*build, go/)
    expect(plan(folder, { startLine: false }).start.scripts).toEqual({})
  })

  test('what starts Node without a script is named', () => {
    const folder = shop({
      Dockerfile: 'FROM node:24\nCMD ["node", "app.js"]\n',
      Procfile: 'web: node app.js\n',
    })
    expect(plan(folder).notes).toEqual([
      expect.stringMatching(/^Dockerfile:2 starts Node/),
      expect.stringMatching(/^Procfile:1 starts Node/),
    ])
  })

  test('a Node, a lockfile or an API of OpenTelemetry that will not do is named', () => {
    const manifest = {
      scripts: { start: 'node app.js' },
      engines: { node: '>=18' },
      dependencies: { '@opentelemetry/api': '~1.9.0' },
    }
    const folder = shop({
      'package.json': JSON.stringify(manifest),
      Dockerfile: 'FROM docker.io/library/node:20-slim AS build\n',
      'package-lock.json': '',
      'yarn.lock': '',
    })
    expect(plan(folder).notes).toEqual([
      expect.stringMatching(/^yarn\.lock and package-lock\.json stand side by side: yarn/),
      expect.stringMatching(/^@opentelemetry\/api is held at ~1\.9\.0/),
      expect.stringMatching(/^package\.json says that Node >=18 will do/),
      expect.stringMatching(/^Dockerfile:1 is Node 20/),
    ])
  })
})

describe.each(['prometheus', 'hybrid', 'cloudwatch'] as Profile[])(
  'the pipeline of profile %s',
  (profile) => {
    const folder = shop()
    setUp(folder, { profile })
    const files = contentsOf(folder)
    const compose = parse(files['throughline/compose.yaml'] as string, { merge: true })
    const services = Object.entries(compose.services) as [string, Record<string, never>][]

    test('is the one that this version ships, and loses neither data nor money', () => {
      const paths = ['base.yaml', `profiles/${profile}.yaml`].map((path) => `throughline/collector/${path}`)
      expect(lintCollector(paths.map((path) => join(folder, path)))).toEqual([])
      expect(compose.services.collector.command).toEqual(
        paths.map((path) => `--config=${path.replace('throughline/collector', '/etc/throughline')}`),
      )
    })

    test('pins each image, and is reached from this machine alone', () => {
      const images = services.flatMap(([, { image }]) => image ?? [])
      expect(images.every((image) => (Object.values(IMAGES) as string[]).includes(image))).toBe(true)
      expect(Object.values(IMAGES).every((image) => /:v?\d+\.\d+/.test(image))).toBe(true)
      const ports = services.flatMap(([, { ports }]) => ports ?? []) as string[]
      expect(ports.length).toBeGreaterThan(3)
      expect(ports.every((port) => port.startsWith('127.0.0.1:${'))).toBe(true)
    })

    test('gives the Collector no variable that its files do not read', () => {
      const read = Object.entries(files)
        .filter(([path]) => path.startsWith('throughline/collector/'))
        .flatMap(([, text]) => [...text.matchAll(/\$\{env:(\w+)/g)].map(([, name]) => name))
      const given = Object.keys(compose.services.collector.environment)
      expect(given.filter((name) => !read.includes(name) && !name.startsWith('AWS_'))).toEqual([])
    })

    test('mounts files that are there, and has a volume for each name', () => {
      const mounts = services
        .flatMap(([, { volumes }]) => volumes ?? [])
        .map((mount: string) => mount.split(':')[0] as string)
      for (const from of mounts)
        if (from.startsWith('./'))
          expect(Object.keys(files).some((path) => path.startsWith(`throughline/${from.slice(2)}`))).toBe(
            true,
          )
        else expect(Object.keys(compose.volumes)).toContain(from)
      expect(new Set(mounts.filter((from) => !from.startsWith('./')))).toEqual(
        new Set(Object.keys(compose.volumes)),
      )
    })
  },
)
