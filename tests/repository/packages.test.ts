import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packAll, run, type Tarballs } from './tarballs.js'
import { packages, root } from './workspace.js'

/** Entry points that are programs: importing them starts something. */
const programs = ['@throughline/recorder/main']
/** ESM only on purpose: it waits at the top level until the instrumentations stand, which `require` cannot. */
const esmOnlyEntries = ['./register']

const installed = createRequire(import.meta.url)

let tarballs: Tarballs
beforeAll(async () => {
  tarballs = await packAll()
})
afterAll(() => tarballs?.remove())

const packedOf = (folder: string) => tarballs.packed.find((entry) => entry.folder === folder)!
const isDual = ({ exports }: { exports: Record<string, Record<string, unknown>> }) =>
  'require' in (exports['.'] ?? {})

describe.each(packages)('the tarball of $folder', ({ folder, manifest }) => {
  test('holds a licence, a README and no file that a user has no use for', () => {
    const { unpacked } = packedOf(folder)
    const files = filesIn(unpacked)
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    expect(files.filter((path) => /\.test\.|\.tsbuildinfo$|(?:^|\/)tests?\//.test(path))).toEqual([])
    expect(readFileSync(join(unpacked, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
  })

  test('has source maps that lead to files in it', () => {
    const { unpacked } = packedOf(folder)
    const files = filesIn(unpacked)
    const lost = files.flatMap((path) => {
      const text = /\.(?:js|d\.ts|map)$/.test(path) ? readFileSync(join(unpacked, path), 'utf8') : ''
      const targets = path.endsWith('.map')
        ? (JSON.parse(text) as { sources: string[] }).sources
        : [...text.matchAll(/^\/\/# sourceMappingURL=(.+)$/gm)].map(([, target]) => target ?? '')
      return targets
        .filter((target) => !existsSync(join(unpacked, dirname(path), target)))
        .map((target) => `${path} -> ${target}`)
    })
    expect(lost, 'a source that was renamed leaves old files in dist: delete it and build again').toEqual([])
  })

  test('holds each program of the package', () => {
    for (const path of Object.values(manifest.bin ?? {}))
      expect(readFileSync(join(packedOf(folder).unpacked, path), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  test('pleases publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: packedOf(folder).unpacked, pack: false, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg ?? {}, { color: false }))).toEqual([])
  })

  test('has types that are right for each way to resolve them', async () => {
    const { tarball } = packedOf(folder)
    const dual = isDual(manifest)
    const esmOnly = Object.keys(manifest.exports).filter((entry) => !dual || esmOnlyEntries.includes(entry))
    const both = Object.keys(manifest.exports).filter((entry) => !esmOnly.includes(entry))
    if (both.length > 0) expect(await typeProblems(tarball, 'node16', both)).toBe('')
    if (esmOnly.length > 0) expect(await typeProblems(tarball, 'esm-only', esmOnly)).toBe('')
  })
})

describe('in an empty project', () => {
  const entries = packages.flatMap(({ manifest }) =>
    Object.keys(manifest.exports).map((entry) => ({ manifest, entry, name: manifest.name + entry.slice(1) })),
  )
  const libraries = entries.filter(({ name }) => !programs.includes(name))
  const required = libraries.filter(
    ({ manifest, entry }) => isDual(manifest) && !esmOnlyEntries.includes(entry),
  )

  test('every entry point can be imported', async () => {
    const found = await namesOf('names.mjs', (name) => `await import('${name}')`, libraries)
    expect(Object.keys(found)).toEqual(libraries.map(({ name }) => name))
  })

  test('core, otlp and sdk can be required too, and give the same names', async () => {
    const folders = packages.filter(({ manifest }) => isDual(manifest)).map(({ folder }) => folder)
    expect(folders).toEqual(expect.arrayContaining(['core', 'otlp', 'sdk']))
    const asModule = await namesOf('dual.mjs', (name) => `await import('${name}')`, required)
    const asCommonJs = await namesOf('dual.cjs', (name) => `require('${name}')`, required)
    expect(asCommonJs).toEqual(asModule)
  })

  test('a program that lacks its settings says so and ends', async () => {
    for (const name of programs) {
      write('program.mjs', `import '${name}'`)
      await expect(runNode('program.mjs')).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining('TL_'),
      })
    }
  })

  test('what a user writes compiles and runs, as ESM with standard decorators', async () => {
    await compileAndRun('esm', 'app.mts', { experimentalDecorators: false })
  })

  test('what a user writes compiles and runs, as CommonJS with the older decorators', async () => {
    await compileAndRun('commonjs', 'app.cts', { experimentalDecorators: true })
  })

  test('the types of every entry point compile under strict settings, libraries checked', async () => {
    const lines = entries.map(({ name }, index) => `import type * as entry${index} from '${name}'`)
    write(
      'entries.mts',
      `${lines.join('\n')}\nexport type All = [${lines.map((_, i) => `typeof entry${i}`)}]\n`,
    )
    expect(await compile('entries.mts', {})).toBe('')
  })

  function write(file: string, text: string): void {
    writeFileSync(join(tarballs.project, file), text)
  }

  function runNode(file: string) {
    const { THROUGHLINE_DATABASE_URL: _, ...env } = process.env
    return run(process.execPath, [file], {
      cwd: tarballs.project,
      env: { ...env, OTEL_SDK_DISABLED: 'true' },
    })
  }

  async function namesOf(file: string, load: (name: string) => string, of: { name: string }[]) {
    const lines = of.map(({ name }) => `found['${name}'] = ${load(name)}`)
    const print = `for (const name in found) found[name] = Object.keys(found[name])
      .filter((key) => key !== 'default' && key !== '__esModule' && key !== 'module.exports').sort()
      process.stdout.write(JSON.stringify(found))`
    write(file, `const found = {}\n${lines.join('\n')}\n${print}\n`)
    const { stdout } = await runNode(file)
    return JSON.parse(stdout) as Record<string, string[]>
  }

  async function compile(file: string, options: Record<string, unknown>): Promise<string> {
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2024', 'esnext.disposable'],
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      types: ['node'],
      ...options,
    }
    write(`tsconfig.${file}.json`, JSON.stringify({ files: [file], compilerOptions }))
    const tsc = join(dirname(installed.resolve('typescript/package.json')), 'bin/tsc')
    return run(process.execPath, [tsc, '-p', `tsconfig.${file}.json`], { cwd: tarballs.project }).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
  }

  async function compileAndRun(kind: string, file: string, options: Record<string, unknown>): Promise<void> {
    copyFileSync(join(root, 'tests/repository/fixtures/consumer', file), join(tarballs.project, file))
    expect(await compile(file, options)).toBe('')
    const { stdout } = await runNode(file.replace(/ts$/, 'js'))
    expect(stdout).toBe(`${kind}: true\n`)
  }
})

/** What attw finds, as text; empty when there is nothing. */
async function typeProblems(tarball: string, profile: string, entries: string[]): Promise<string> {
  const attw = join(dirname(installed.resolve('@arethetypeswrong/cli/package.json')), 'dist/index.js')
  const args = [
    attw,
    tarball,
    '--profile',
    profile,
    '--format',
    'ascii',
    '--no-emoji',
    '--no-color',
    '--entrypoints',
    ...entries,
  ]
  return run(process.execPath, args).then(
    () => '',
    (error: { stdout: string; stderr: string }) => `${error.stdout}${error.stderr}`,
  )
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !path.startsWith('node_modules/'))
}
