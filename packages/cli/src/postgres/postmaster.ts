import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CliError } from '../errors.js'
import { commandLine, ended, isAlive, signal, workingDirectory } from '../system/processes.js'

export interface Postmaster {
  pid: number
  port: number
}

const pidFile = (dataDir: string) => join(dataDir, 'postmaster.pid')

/** The postmaster that runs on this data folder now, whoever started it. */
export async function findPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(pidFile(dataDir), 'utf8').catch(() => '')
  // pid, data folder, start time, port, socket folder, listen address, shared memory, status
  const lines = text.split('\n')
  const [pid, port] = [Number(lines[0]), Number(lines[3])]
  if (!(pid > 0) || !isAlive(pid) || !isPostgresOf(pid, dataDir)) return undefined
  if (lines[7]?.trim() === 'stopping') {
    await ended(pid, 15_000)
    return undefined
  }
  return { pid, port }
}

function isPostgresOf(pid: number, dataDir: string): boolean {
  const words = commandLine(pid)
  if (!basename(words[0] ?? '').startsWith('postgres')) return false
  return workingDirectory(pid) === dataDir || words.includes(dataDir)
}

/**
 * Postgres replaces the pid file of a dead process by itself but gives up when the pid answers, which a zombie does and
 * so does a stranger that got the pid after a reboot of the container. Call it only when `findPostmaster` found none.
 * Postgres' own check of the shared memory still stands between two postmasters and one folder.
 */
export async function removeStalePidFile(dataDir: string): Promise<void> {
  await rm(pidFile(dataDir), { force: true })
}

/**
 * SIGINT is Postgres' "fast" shutdown: sessions end, a checkpoint is written. SIGQUIT ends it without the checkpoint;
 * the next start then replays the log, nothing committed is lost.
 */
export async function stopPostmaster(pid: number, timeoutMs = 15_000): Promise<void> {
  signal(pid, 'SIGINT')
  if (await ended(pid, timeoutMs)) return
  signal(pid, 'SIGQUIT')
  if (await ended(pid, 5_000)) return
  throw new CliError('TL_POSTGRES_FAILED', `Postgres (process ${pid}) ends neither on SIGINT nor on SIGQUIT.`)
}
