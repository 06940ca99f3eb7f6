import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { transformFile } from '@swc/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installOwn } from '../../support/npm.js'
import { root } from '../workspace.js'
import { compile } from './compile.js'

const run = promisify(execFile)
const folder = join(root, 'tests/frameworks/compilers')
/** Finds what is installed in that folder. */
const installed = createRequire(join(folder, 'package.json'))

type Use = 'wrapper' | 'standard' | 'legacy'
const METHODS = [
  'operation Base.plain order-1 success',
  'plain 2 plain 1',
  'operation Base.later order-1 u-1 success',
  'later u-1:base',
  'operation Derived.later order-1 u-2 success',
  'operation Derived.later order-1 success',
  'later u-2:derived!',
  'operation Billing.charge order-1 failure RangeError',
  'named RangeError',
  'operation Derived.make order-1 success',
  'make made',
  'operation Own.twin order-1 success',
  'own true',
]
const WHOLE = [
  'operation Whole.from order-1 success',
  'operation Whole.times order-1 success',
  'whole 6 quiet true Whole',
]
const expected: Record<Use, string[]> = {
  wrapper: [
    'operation Billing.charge order-1 u-1 success',
    'charge 129.90',
    'operation Billing.charge order-1 u-2 failure RangeError',
    'charge RangeError',
    'operation total order-1 success',
    'total 14 total 1',
  ],
  standard: [
    ...METHODS,
    'operation Base.hidden order-1 success',
    'operation Base.Symbol.iterator order-1 success',
    'iterator 1',
    ...WHOLE,
  ],
  legacy: [...METHODS, 'routeAbove /above /above', 'routeBelow /below /below', ...WHOLE, 'parameters 0'],
}
/** What `emitDecoratorMetadata` adds. */
const withTypes = [...expected.legacy.slice(0, -1), 'parameters 0 String']

let out: string
beforeAll(async () => {
  await installOwn(folder)
  // Below the fixtures' package, so that what they import is found.
  mkdirSync(join(folder, 'dist'), { recursive: true })
  out = mkdtempSync(join(folder, 'dist/run-'))
})
afterAll(() => rmSync(out, { recursive: true, force: true }))

const source = (use: Use) => join(folder, 'fixtures', use, 'main.ts')

async function linesOf(module: string, flags: string[] = [], env: Record<string, string> = {}) {
  const { stdout } = await run(process.execPath, [...flags, join(folder, 'run.mjs'), module], {
    env: { PATH: process.env.PATH, ...env },
  })
  return stdout.trimEnd().split('\n')
}

function write(compiler: string, code: string): string {
  const file = join(out, `${compiler}.mjs`)
  writeFileSync(file, code)
  return file
}

type Compile = (use: Use, metadata: boolean) => Promise<string[]>

const tsc: Compile = async (use, metadata) => {
  const target = join(out, `tsc-${use}-${metadata}`)
  const found = await compile(
    join(folder, 'fixtures', use),
    '--outDir',
    target,
    ...(metadata ? ['--emitDecoratorMetadata'] : []),
  )
  expect(found).toBe('')
  return linesOf(join(target, 'main.js'))
}

const swc: Compile = async (use, metadata) => {
  const legacy = use === 'legacy'
  const { code } = await transformFile(source(use), {
    swcrc: false,
    module: { type: 'es6' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: legacy
        ? { legacyDecorator: true, decoratorMetadata: metadata }
        : { decoratorVersion: '2022-03' },
    },
  })
  return linesOf(write(`swc-${use}-${metadata}`, code))
}

interface Esbuild {
  transform(code: string, options: object): Promise<{ code: string }>
  build(options: object): Promise<unknown>
}

const esbuild: Compile = async (use) => {
  const { transform } = installed('esbuild') as Esbuild
  const { code } = await transform(readFileSync(source(use), 'utf8'), {
    loader: 'ts',
    target: 'es2022',
    keepNames: true,
    tsconfigRaw: { compilerOptions: { experimentalDecorators: use === 'legacy' } },
  })
  return linesOf(write(`esbuild-${use}`, code))
}

const bundle: Compile = async (use) => {
  const { build } = installed('esbuild') as Esbuild
  const outfile = join(out, `bundle-${use}.mjs`)
  await build({
    entryPoints: [source(use)],
    outfile,
    bundle: true,
    minify: true,
    keepNames: true,
    packages: 'external',
    format: 'esm',
    target: 'es2022',
  })
  return linesOf(outfile)
}

const tsx: Compile = (use) =>
  linesOf(source(use), ['--import', installed.resolve('tsx')], {
    TSX_TSCONFIG_PATH: join(folder, 'fixtures', use, 'tsconfig.json'),
  })

/** Which Vitest: that of the repository with Vite 7, or that of the folder with Vite 8. */
const vitest =
  (from: NodeJS.Require, config: string): Compile =>
  async (use) => {
    const lines = mkdtempSync(join(out, 'lines-'))
    const program = join(dirname(from.resolve('vitest/package.json')), 'vitest.mjs')
    await run(process.execPath, [program, 'run', '--root', folder, '--config', join(folder, config)], {
      cwd: folder,
      env: { PATH: process.env.PATH, NODE_ENV: 'test', USES: use, LINES: lines },
    })
    return readFileSync(join(lines, use), 'utf8').trimEnd().split('\n')
  }
const vite7 = vitest(createRequire(import.meta.url), 'vite-7/vitest.config.mjs')
const vite8 = vitest(installed, 'vite-8/lines.config.mjs')
const vite8Legacy = vitest(installed, 'vite-8/legacy.config.mjs')

/** Vite 7 does not let esbuild keep the name of a class that names itself in its own body; docs/guides/frameworks.md says so. */
const renamed =
  (compiler: Compile): Compile =>
  async (use, metadata) => {
    const lines = await compiler(use, metadata)
    return lines.map((line) => line.replace('operation _Own.twin ', 'operation Own.twin '))
  }

const compilers: [name: string, compile: Compile, legacy: Compile][] = [
  ['tsc 7', tsc, tsc],
  ['swc', swc, swc],
  ['esbuild with keepNames', esbuild, esbuild],
  ['esbuild, bundled and minified', bundle, bundle],
  ['tsx', tsx, tsx],
  ['Vitest on Vite 7', renamed(vite7), renamed(vite7)],
  ['Vitest on Vite 8, with the plugin of the guide for standard decorators', vite8, vite8Legacy],
]

describe.each(compilers)('compiled by %s', (_, today, legacy) => {
  test('a wrapped function is tracked', async () => {
    expect(await today('wrapper', false)).toEqual(expected.wrapper)
  })

  test('standard decorators are', async () => {
    expect(await today('standard', false)).toEqual(expected.standard)
  })

  test('legacy decorators are', async () => {
    expect((await legacy('legacy', false)).slice(0, -1)).toEqual(expected.legacy.slice(0, -1))
  })
})

test.each([
  ['tsc 7', tsc],
  ['swc', swc],
])('%s: without emitDecoratorMetadata and with it', async (_, compiler) => {
  expect(await compiler('legacy', false)).toEqual(expected.legacy)
  expect(await compiler('legacy', true)).toEqual(withTypes)
})
