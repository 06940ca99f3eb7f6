import { accessSync, constants, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CliError } from '../errors.js'
import { cacheFolder } from '../system/cache.js'
import { type BuildOptions, buildModule, findBuild } from './build.js'
import { type BinaryName, type ModuleSpec, moduleSpecs } from './modules.js'

export interface BinaryOptions {
  /** Default THROUGHLINE_CACHE_DIR, then `throughline` in the user's cache folder. */
  cacheDir?: string
  onProgress?: BuildOptions['onProgress']
  /** Ends the build and all its processes; the promise then rejects with `TL_BUILD_ABORTED`. */
  signal?: AbortSignal
  /** Default the process's own. */
  env?: NodeJS.ProcessEnv
}

export interface BinaryStatus {
  name: BinaryName
  /** The executable; missing when it has to be built first. */
  path?: string
  source: 'environment' | 'cache' | 'none'
}

const names: readonly BinaryName[] = ['otelcol', 'jaeger', 'prometheus', 'promtool']

/** Environment variable with the path of a binary of the user's own, for example THROUGHLINE_OTELCOL. */
export const overrideVariable = (name: BinaryName) => `THROUGHLINE_${name.toUpperCase()}`

/** The executable's path without building anything; undefined when it has to be built first. */
export async function findBinary(name: BinaryName, options: BinaryOptions = {}): Promise<string | undefined> {
  const env = options.env ?? process.env
  const own = override(name, env)
  if (own) return own
  const folder = await findBuild(specOf(name), options.cacheDir ?? cacheFolder(env))
  return folder && join(folder, name)
}

/**
 * The executable's path, built first where needed (minutes; see `onProgress`).
 * Throws `TL_GO_MISSING`, `TL_GO_TOO_OLD`, `TL_BUILD_FAILED`, `TL_BUILD_ABORTED`, `TL_BINARY_NOT_FOUND`.
 */
export async function ensureBinary(name: BinaryName, options: BinaryOptions = {}): Promise<string> {
  const env = options.env ?? process.env
  return override(name, env) ?? join(await buildModule(specOf(name), buildOptions(options)), name)
}

/**
 * Several executables, one build after the other in the order in which the stack wants them (each build uses all
 * cores). `onReady` is called as soon as one can be started. Executables of one module come from one build.
 */
export async function ensureBinaries(
  wanted: readonly BinaryName[],
  options: BinaryOptions & { onReady?: (name: BinaryName, path: string) => void } = {},
): Promise<Map<BinaryName, string>> {
  const paths = new Map<BinaryName, string>()
  const add = (name: BinaryName, path: string) => {
    paths.set(name, path)
    options.onReady?.(name, path)
  }
  const missing = new Map<string, { spec: ModuleSpec; names: BinaryName[] }>()
  for (const name of names.filter((known) => wanted.includes(known))) {
    const path = await findBinary(name, options)
    if (path) {
      add(name, path)
      continue
    }
    const spec = specOf(name)
    const entry = missing.get(spec.name) ?? { spec, names: [] }
    missing.set(spec.name, { spec, names: [...entry.names, name] })
  }
  let index = 0
  for (const { spec, names: ofModule } of missing.values()) {
    const step = { index: ++index, count: missing.size }
    const folder = await buildModule(spec, { ...buildOptions(options), step })
    for (const name of ofModule) add(name, join(folder, name))
  }
  return paths
}

/** What is there, for printing; builds nothing. */
export function binariesStatus(options: BinaryOptions = {}): Promise<BinaryStatus[]> {
  return Promise.all(
    names.map(async (name): Promise<BinaryStatus> => {
      const path = await findBinary(name, options)
      if (path === undefined) return { name, source: 'none' }
      return { name, path, source: override(name, options.env ?? process.env) ? 'environment' : 'cache' }
    }),
  )
}

function buildOptions(options: BinaryOptions): BuildOptions {
  const env = options.env ?? process.env
  const { onProgress, signal } = options
  return { cacheDir: options.cacheDir ?? cacheFolder(env), env, onProgress, signal }
}

function specOf(name: BinaryName): ModuleSpec {
  return moduleSpecs().find(({ executables }) => name in executables) as ModuleSpec
}

function override(name: BinaryName, env: NodeJS.ProcessEnv): string | undefined {
  const variable = overrideVariable(name)
  const value = env[variable]
  if (!value) return undefined
  const path = resolve(value)
  try {
    accessSync(path, constants.X_OK)
    if (statSync(path).isFile()) return path
  } catch {
    // named below, whatever the reason
  }
  throw new CliError('TL_BINARY_NOT_FOUND', `${variable} is ${path}, which is not an executable file.`)
}
