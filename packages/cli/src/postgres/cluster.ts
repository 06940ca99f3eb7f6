import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../errors.js'
import { type Account, runAs } from '../system/account.js'
import { isAlive } from '../system/processes.js'
import { type Native, sharedHome } from './native.js'
import { findPostmaster, stopPostmaster } from './postmaster.js'

/*
 * Where things lie. `home` is the folder the user names or, when root's Postgres account cannot get there,
 * /var/lib/throughline/data/<hash of that folder>:
 *
 *   home/pg/data       the data folder, of the account that Postgres runs as, 0700
 *   home/pg/password   0600, ours
 *   home/pg.init-*     a cluster being made; renamed to pg when complete, so that pg is never half done
 *   home/owner         only under /var/lib/throughline: the folder that these data belong to
 *   dir/location       only then: where the data are
 */

export interface Cluster {
  dataDir: string
  password: string
  account: Account | undefined
}

export interface ClusterOptions {
  /** Real path of an existing folder. */
  dir: string
  account: Account | undefined
  native: Native
  log: (line: string) => void
}

const sharedData = join(sharedHome, 'data')
const homeOf = (dir: string) => join(sharedData, createHash('sha256').update(dir).digest('hex').slice(0, 16))

/** Opens the cluster of the folder; makes it first where there is none. */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { dir } = options
  if (options.account) await pruneShared()
  const home = await findHome(options)
  const pg = join(home, 'pg')
  if (!(await exists(pg))) await initCluster(options, home)
  const dataDir = join(pg, 'data')
  try {
    const password = (await readFile(join(pg, 'password'), 'utf8')).trim()
    const { uid, gid } = await stat(dataDir)
    const major = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8')).trim()
    if (major !== options.native.major) {
      throw failure(
        `The data in ${pg} are of Postgres ${major}, ours is ${options.native.major}. Begin anew with --fresh.`,
      )
    }
    // Data that a normal user made stay that user's when root starts them.
    return { dataDir, password, account: options.account && (uid === 0 ? options.account : { uid, gid }) }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EACCES') throw cause
    throw failure(
      `The data in ${dir} belong to another user (made as root?). Run as that user, or remove ${pg} as root.`,
      cause,
    )
  }
}

/** Stops what runs on the folder's data and removes the data. Other files in `dir` stay. */
export async function removeCluster(dir: string): Promise<void> {
  for (const home of [dir, homeOf(dir)]) {
    const running = await findPostmaster(join(home, 'pg', 'data'))
    if (running) await stopPostmaster(running.pid)
  }
  if (process.getuid?.() === 0) await rm(homeOf(dir), { recursive: true, force: true })
  await rm(join(dir, 'pg'), { recursive: true, force: true })
  await rm(join(dir, 'location'), { force: true })
  await removeHalfDone(dir)
}

async function findHome({ dir, account, log }: ClusterOptions): Promise<string> {
  if (!account || (await exists(join(dir, 'pg')))) return dir
  const home = homeOf(dir)
  const location = join(dir, 'location')
  // No such file although there are data: `dir` was deleted and made again, the data are of its earlier life.
  if ((await readFile(location, 'utf8').catch(() => '')).trim() === home && (await exists(home))) return home
  if (await canUse(account, dir)) return dir

  await removeShared(home)
  log(`Postgres cannot run as root and its account cannot reach ${dir}; the data are kept in ${home}`)
  for (const path of [sharedHome, sharedData]) {
    await mkdir(path, { recursive: true })
    await chmod(path, 0o755)
  }
  await writeFile(location, `${home}\n`)
  const own = `${home}.new-${process.pid}`
  await mkdir(own, { recursive: true })
  await chmod(own, 0o711)
  await writeFile(join(own, 'owner'), `${dir}\n`)
  await rename(own, home)
  return home
}

/** Tries it rather than reading modes: that covers parents, access lists and mounts which refuse chown. */
async function canUse(account: Account, dir: string): Promise<boolean> {
  const trial = await mkdtemp(join(dir, 'pg.init-'))
  try {
    await chown(trial, account.uid, account.gid)
    return (await runAs(account, '/bin/sh', ['-c', 'test -w "$1"', 'sh', trial])).code === 0
  } catch {
    return false
  } finally {
    await rmdir(trial)
  }
}

async function initCluster({ account, native, log }: ClusterOptions, home: string): Promise<void> {
  await removeHalfDone(home)
  const own = await mkdtemp(join(home, 'pg.init-'))
  const dataDir = join(own, 'data')
  const pwfile = join(own, 'pwfile')
  const password = randomBytes(24).toString('base64url')
  log('Creating the Postgres data folder')
  await writeFile(join(own, 'password'), `${password}\n`, { mode: 0o600 })
  await writeFile(pwfile, `${password}\n`, { mode: 0o600 })
  await mkdir(dataDir, { mode: 0o700 })
  if (account) {
    await chmod(own, 0o711)
    for (const path of [dataDir, pwfile]) await chown(path, account.uid, account.gid)
  }
  const secure = ['-A', 'scram-sha-256', '-U', 'postgres', `--pwfile=${pwfile}`]
  const plain = ['--encoding=UTF8', '--locale=C', '-D', dataDir]
  const { code, output } = await runAs(account, join(native.bin, 'initdb'), [...secure, ...plain])
  if (code !== 0) {
    await rm(own, { recursive: true, force: true })
    throw failure(`initdb failed in ${home}:\n${output.trim().split('\n').slice(-5).join('\n')}`)
  }
  await rm(pwfile)
  await rename(own, join(home, 'pg'))
}

/** The caller holds the folder's lock, so every such folder is of a process that was killed. */
async function removeHalfDone(home: string): Promise<void> {
  for (const name of await readdir(home).catch(() => [])) {
    if (name.startsWith('pg.init-'))
      await rm(join(home, name), { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Removes the shared data of folders that are gone (a deleted checkout, a test's temporary folder). */
async function pruneShared(): Promise<void> {
  for (const name of await readdir(sharedData).catch(() => [])) {
    const home = join(sharedData, name)
    const maker = Number(/\.new-(\d+)$/.exec(name)?.[1])
    if (maker && isAlive(maker)) continue
    const owner = (await readFile(join(home, 'owner'), 'utf8').catch(() => '')).trim()
    if (maker || (owner && !(await exists(owner)))) await removeShared(home)
  }
}

async function removeShared(home: string): Promise<void> {
  const running = await findPostmaster(join(home, 'pg', 'data'))
  if (running) await stopPostmaster(running.pid)
  await rm(home, { recursive: true, force: true })
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}

function failure(message: string, cause?: unknown): CliError {
  return new CliError('TL_POSTGRES_FAILED', message, { cause })
}
