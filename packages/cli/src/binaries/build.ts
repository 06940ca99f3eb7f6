import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs'
import { access, constants, mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CliError } from '../errors.js'
import { makeCacheFolder } from '../system/cache.js'
import { withLock } from '../system/lock.js'
import { ended, isAlive, processStart, signal as send } from '../system/processes.js'
import { goEnv, requireGo } from './go.js'
import { cacheKey, type ModuleFile, type ModuleSpec, moduleFiles } from './modules.js'
import type { BuildProgress } from './progress.js'

/*
 *   cache/bin/<name>-<hash>/<executable>   complete, or not there
 *   cache/bin/<name>-<hash>.lock           held while somebody builds it
 *   cache/bin/build-<pid>-*                a build: module files, Go's work folder, what came out so far
 *   cache/log/<name>-<hash>.log            everything the tool chain said
 *
 * A build ends with one rename. Killed at any moment it leaves a build folder, which the next build removes together
 * with the go process that may still run in it.
 */

export interface BuildOptions {
  cacheDir: string
  env: NodeJS.ProcessEnv
  onProgress?: ((progress: BuildProgress) => void) | undefined
  signal?: AbortSignal | undefined
  /** Which of how many, for the progress only. Default 1 of 1. */
  step?: { index: number; count: number } | undefined
}

/** Folder of the finished build; undefined when it was not built yet. */
export async function findBuild(spec: ModuleSpec, cacheDir: string): Promise<string | undefined> {
  const folder = join(cacheDir, 'bin', cacheKey(spec, await moduleFiles(spec)))
  return (await isComplete(spec, folder)) ? folder : undefined
}

/** Builds the module, or takes what is in the cache or what another process is just building. Answers the folder. */
export async function buildModule(spec: ModuleSpec, options: BuildOptions): Promise<string> {
  const files = await moduleFiles(spec)
  const key = cacheKey(spec, files)
  const bin = join(options.cacheDir, 'bin')
  const folder = join(bin, key)
  if (await isComplete(spec, folder)) return folder
  const goMod = files.find(({ name }) => name === 'go.mod')?.content.toString() ?? ''
  await requireGo(spec.title, goMod, options.env)
  await makeCacheFolder(bin)
  await makeCacheFolder(join(options.cacheDir, 'log'))
  const report = reporter(spec, options)
  // 30 minutes: five times the slowest cold build on 2 cores.
  const lock = { timeoutMs: 1_800_000, signal: options.signal, onWait: (pid: number) => report.waiting(pid) }
  try {
    await withLock(`${folder}.lock`, lock, async () => {
      if (await isComplete(spec, folder)) return
      await removeAbandoned(bin)
      report.building()
      await build(spec, files, folder, join(options.cacheDir, 'log', `${key}.log`), options, report)
    })
    report.done()
    return folder
  } catch (cause) {
    if (!options.signal?.aborted) throw cause
    throw new CliError('TL_BUILD_ABORTED', `The build of ${spec.title} was ended.`, { cause })
  } finally {
    report.close()
  }
}

async function build(
  spec: ModuleSpec,
  files: readonly ModuleFile[],
  folder: string,
  logFile: string,
  options: BuildOptions,
  report: Reporter,
): Promise<void> {
  const own = await mkdtemp(join(folder, '..', `build-${process.pid}-`))
  const [module, work, out] = ['module', 'work', 'out'].map((name) => join(own, name)) as [
    string,
    string,
    string,
  ]
  try {
    for (const path of [module, work, out]) await mkdir(path)
    for (const { name, content } of files) await writeFile(join(module, name), content)
    const names = Object.keys(spec.executables)
    const target = names.length === 1 ? join(out, names[0] as string) : `${out}/`
    const flags = [
      '-v',
      '-trimpath',
      '-ldflags=-s -w',
      ...(spec.tags ? [`-tags=${spec.tags.join(',')}`] : []),
    ]
    const args = ['build', ...flags, '-o', target, ...Object.values(spec.executables)]
    await runGo(spec, args, { own, module, work, logFile }, options, report)
    // Synced before the rename, or a power cut could publish an empty file under the final name.
    for (const name of names) {
      const file = await open(join(out, name))
      await file.sync()
      await file.close()
    }
    await rm(folder, { recursive: true, force: true })
    await rename(out, folder)
  } finally {
    await rm(own, { recursive: true, force: true, maxRetries: 3 })
  }
}

interface Places {
  own: string
  module: string
  work: string
  logFile: string
}

async function runGo(
  spec: ModuleSpec,
  args: readonly string[],
  places: Places,
  { env, signal }: BuildOptions,
  report: Reporter,
): Promise<void> {
  signal?.throwIfAborted()
  const log = createWriteStream(places.logFile)
  // A group of its own: the compilers are children of go, and Ctrl-C in the terminal is for us to pass on.
  const child = spawn('go', args, {
    cwd: places.module,
    env: goEnv(env, places.work),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const told: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      log.write(`${line}\n`)
      report.line(line)
      if (isMessage(line) && told.push(line) > 12) told.shift()
    })
  }
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      told.push(error.message)
      resolve(null)
    })
    child.once('close', resolve)
  })
  const end = () => void endGroup(child)
  const killNow = () => child.pid && send(-child.pid, 'SIGKILL')
  signal?.addEventListener('abort', end, { once: true })
  process.once('exit', killNow)
  try {
    markBuilder(child, places.own)
    const code = await exited
    signal?.throwIfAborted()
    if (code === 0) return
    throw new CliError(
      'TL_BUILD_FAILED',
      `Building ${spec.title} failed. The last lines, from ${places.logFile}:\n${told.join('\n')}`,
    )
  } finally {
    process.off('exit', killNow)
    signal?.removeEventListener('abort', end)
    log.end()
  }
}

// `-v` prints one import path a line; everything else is a message.
function isMessage(line: string): boolean {
  return /\s/.test(line) && !line.startsWith('go: downloading ')
}

function markBuilder(child: ChildProcess, own: string): void {
  if (child.pid === undefined) return
  try {
    // The service that runs meanwhile goes first: the build is in the background and takes minutes anyway.
    setPriority(child.pid, 5)
  } catch {
    // already ended
  }
  writeFileSync(join(own, 'go.pid'), `${child.pid}\n${processStart(child.pid)}`)
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return
  send(-child.pid, 'SIGTERM')
  if (!(await ended(child.pid, 2_000))) send(-child.pid, 'SIGKILL')
}

/** Removes the folders of builders that were killed, and ends the go that one of them left behind. */
async function removeAbandoned(bin: string): Promise<void> {
  for (const name of await readdir(bin)) {
    const builder = Number(/^build-(\d+)-/.exec(name)?.[1])
    if (!builder || isAlive(builder)) continue
    const [pid, start] = readText(join(bin, name, 'go.pid')).split('\n')
    if (pid && start && processStart(Number(pid)) === start) {
      send(-Number(pid), 'SIGKILL')
      await ended(Number(pid), 5_000)
    }
    await rm(join(bin, name), { recursive: true, force: true, maxRetries: 3 })
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

async function isComplete(spec: ModuleSpec, folder: string): Promise<boolean> {
  for (const name of Object.keys(spec.executables)) {
    const usable = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (!usable) return false
  }
  return true
}

type Reporter = ReturnType<typeof reporter>

// Reports on its own every half second, so that the elapsed time moves while one large package compiles.
function reporter(spec: ModuleSpec, { onProgress, step = { index: 1, count: 1 } }: BuildOptions) {
  const started = Date.now()
  const state: BuildProgress = {
    title: spec.title,
    ...step,
    phase: 'building',
    elapsedMs: 0,
    packages: 0,
    lastLine: '',
  }
  const emit = () => onProgress?.({ ...state, elapsedMs: Date.now() - started })
  let timer: NodeJS.Timeout | undefined
  const enter = (phase: BuildProgress['phase']) => {
    state.phase = phase
    emit()
    timer ??= setInterval(emit, 500)
  }
  return {
    waiting(holder: number) {
      state.holder = holder
      enter('waiting')
    },
    building: () => enter('building'),
    line(text: string) {
      state.lastLine = text
      if (!/\s/.test(text)) state.packages++
    },
    done: () => enter('done'),
    close: () => clearInterval(timer),
  }
}
