import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { firstLine, kill9, runSource, until } from '../../testing/run-source.js'
import { isAlive } from '../system/processes.js'
import { buildModule, findBuild } from './build.js'
import { goVersion } from './go.js'
import type { ModuleSpec } from './modules.js'
import type { BuildProgress } from './progress.js'

const hasGo = (await goVersion()) !== undefined
let folder: string
let cacheDir: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-build-'))
  cacheDir = join(folder, 'cache')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function tinyModule(main = 'println("hello")', go = '1.25'): Promise<ModuleSpec> {
  const dir = join(folder, 'tiny')
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'go.mod'), `module example.test/tiny\n\ngo ${go}\n`)
  await writeFile(join(dir, 'main.go'), `package main\n\nfunc main() { ${main} }\n`)
  return { name: 'tiny', title: 'Tiny', dir, executables: { tiny: '.' } }
}

function follow() {
  const seen: BuildProgress[] = []
  return { seen, onProgress: (progress: BuildProgress) => void seen.push(progress) }
}

const run = (path: string) => execFileSync(path, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] })
const left = async () =>
  (await readdir(join(cacheDir, 'bin'))).filter((name) => !/^tiny-[0-9a-f]{16}$/.test(name))

// Go's own cache is empty there, so the build compiles the runtime first and can be met in the middle.
const slow = () => ({ ...process.env, GOCACHE: join(folder, 'gocache') })

describe.skipIf(!hasGo)('a build', { timeout: 120_000 }, () => {
  test('is made once; a second checkout with the same module files reuses it', async () => {
    const spec = await tinyModule()
    expect(await findBuild(spec, cacheDir)).toBeUndefined()
    const first = await buildModule(spec, { cacheDir, env: process.env })
    run(join(first, 'tiny'))
    const { mtimeMs } = await stat(join(first, 'tiny'))

    const { seen, onProgress } = follow()
    const env = { ...process.env, PATH: folder }
    expect(await buildModule(spec, { cacheDir, env, onProgress })).toBe(first)
    expect(await findBuild(spec, cacheDir)).toBe(first)
    expect((await stat(join(first, 'tiny'))).mtimeMs).toBe(mtimeMs)
    expect(seen).toEqual([])

    const changed = await buildModule(await tinyModule('println("other")'), { cacheDir, env: process.env })
    expect(changed).not.toBe(first)
    expect(await left()).toEqual([])
  })

  test('that is aborted ends its processes and leaves nothing half done; the next one works', async () => {
    const spec = await tinyModule()
    const abort = new AbortController()
    const goPid = async () => {
      const [name] = (await readdir(join(cacheDir, 'bin'))).filter((entry) => entry.startsWith('build-'))
      return Number((await readFile(join(cacheDir, 'bin', name!, 'go.pid'), 'utf8')).split('\n')[0])
    }
    const { seen, onProgress } = follow()
    const building = buildModule(spec, { cacheDir, env: slow(), signal: abort.signal, onProgress })
    building.catch(() => {})
    await until('packages are compiled', () => (seen.at(-1)?.packages ?? 0) > 0)
    const pid = await goPid()
    abort.abort()
    await expect(building).rejects.toMatchObject({ code: 'TL_BUILD_ABORTED' })
    expect(isAlive(pid)).toBe(false)
    expect(await left()).toEqual([])
    expect(await findBuild(spec, cacheDir)).toBeUndefined()

    run(join(await buildModule(spec, { cacheDir, env: process.env }), 'tiny'))
  })

  test('whose process was killed with -9 leaves nothing half done; the next one works', async () => {
    const spec = await tinyModule()
    const child = runSource(
      `import { buildModule } from source('binaries/build.ts')
       const onProgress = ({ packages }) => packages > 0 && console.log('compiling')
       await buildModule(${JSON.stringify(spec)}, { cacheDir: ${JSON.stringify(cacheDir)}, env: process.env, onProgress })`,
      { env: slow() },
    )
    await firstLine(child, (line) => line === 'compiling')
    const bin = join(cacheDir, 'bin')
    const own = (await readdir(bin)).find((name) => name.startsWith('build-'))!
    const pid = Number((await readFile(join(bin, own, 'go.pid'), 'utf8')).split('\n')[0])
    await kill9(child)
    expect(await findBuild(spec, cacheDir)).toBeUndefined()

    run(join(await buildModule(spec, { cacheDir, env: process.env }), 'tiny'))
    expect(isAlive(pid)).toBe(false)
    expect(await left()).toEqual([])
  })

  test('wanted by two at once is made once, and the second says that it waits', async () => {
    const spec = await tinyModule()
    const [a, b] = [follow(), follow()]
    const [first, second] = await Promise.all(
      [a, b].map(({ onProgress }) => buildModule(spec, { cacheDir, env: slow(), onProgress })),
    )
    expect(second).toBe(first)
    const phases = [a, b].map(({ seen }) => [...new Set(seen.map(({ phase }) => phase))].join(' ')).sort()
    expect(phases).toEqual(['building done', 'waiting done'])
    expect([...a.seen, ...b.seen].find(({ phase }) => phase === 'waiting')?.holder).toBe(process.pid)
  })

  test('that fails shows the compiler’s lines and where the log is', async () => {
    const spec = await tinyModule('nonsense()')
    const failing = buildModule(spec, { cacheDir, env: process.env })
    await expect(failing).rejects.toMatchObject({
      code: 'TL_BUILD_FAILED',
      message: expect.stringMatching(/Building Tiny failed.*\.log[\s\S]*main\.go:3.*undefined: nonsense/),
    })
    const log = /from (\S+\.log)/.exec(await failing.catch((error: Error) => error.message))?.[1]
    expect(existsSync(log!)).toBe(true)
    expect(await left()).toEqual([])
  })

  test('that needs a newer Go says which one and the ways out', async () => {
    const spec = await tinyModule('println()', '9.99')
    await expect(buildModule(spec, { cacheDir, env: process.env })).rejects.toMatchObject({
      code: 'TL_GO_TOO_OLD',
      message: expect.stringMatching(/needs Go 9\.99; this one is 1\..*THROUGHLINE_OTELCOL.*direct mode/),
    })
  })
})

test('without Go the message says what it is for and the ways out', async () => {
  const spec = await tinyModule()
  await expect(buildModule(spec, { cacheDir, env: { PATH: folder } })).rejects.toMatchObject({
    code: 'TL_GO_MISSING',
    message: expect.stringMatching(
      /Tiny is built from source.*Install Go 1\.25.*THROUGHLINE_OTELCOL.*direct mode/,
    ),
  })
})
