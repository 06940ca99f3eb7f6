import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from '../errors.js'
import { processStart } from './processes.js'

export interface LockOptions {
  /** How long to wait for a living holder, in ms. Default 60,000. */
  timeoutMs?: number
  /** Called once with the holder's pid when we have to wait. */
  onWait?: (pid: number) => void
  signal?: AbortSignal | undefined
}

/**
 * Runs `work` while the file at `path` is ours. The file holds pid and start time of its owner, so a lock whose owner
 * was killed is known as stale at once, also when another process got the same pid since.
 *
 * The file appears with its content by `link` (a reader never sees it empty). A stale one is taken away by `rename`,
 * looked at again, and put back if a faster process had already replaced it.
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: (waited: boolean) => Promise<T>,
): Promise<T> {
  const waited = await acquire(path, options)
  try {
    return await work(waited)
  } finally {
    await rm(path, { force: true })
  }
}

async function acquire(path: string, options: LockOptions): Promise<boolean> {
  const deadline = Date.now() + (options.timeoutMs ?? 60_000)
  let waited = false
  for (;;) {
    options.signal?.throwIfAborted()
    if (await create(path)) return waited
    const held = await readFile(path, 'utf8').catch(() => undefined)
    if (held === undefined) continue
    const [pid, start] = held.split('\n') as [string, string | undefined]
    if (start === undefined || processStart(Number(pid)) !== start) {
      await removeStale(path, held)
      continue
    }
    if (!waited) options.onWait?.(Number(pid))
    waited = true
    if (Date.now() > deadline) {
      throw new CliError(
        'TL_LOCK_TIMEOUT',
        `Process ${pid} holds ${path}. Wait for it or end it, then try again.`,
      )
    }
    await delay(50)
  }
}

async function create(path: string): Promise<boolean> {
  const own = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(own, `${process.pid}\n${processStart(process.pid)}`, { mode: 0o600 })
  try {
    await link(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(own, { force: true })
  }
}

async function removeStale(path: string, seen: string): Promise<void> {
  const aside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    await rename(path, aside)
    if ((await readFile(aside, 'utf8')) !== seen) await link(aside, path)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
  await rm(aside, { force: true })
}
