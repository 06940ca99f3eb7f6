import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

// Linux answers from /proc (a slim container has no ps); elsewhere ps is part of the system.
const onLinux = process.platform === 'linux'

function ps(pid: number, column: string): string | undefined {
  try {
    return (
      execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
    )
  } catch {
    return undefined
  }
}

// "pid (name) state ppid …": the name may hold spaces and brackets, so the fields start after the last ")".
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/**
 * Whether the process still runs. A zombie counts as ended: in a container whose first process does not reap,
 * an orphan stays one for ever and `kill(pid, 0)` goes on saying yes.
 */
export function isAlive(pid: number): boolean {
  if (onLinux) {
    const state = statFields(pid)?.[0]
    return state !== undefined && state !== 'Z' && state !== 'X'
  }
  const state = ps(pid, 'stat')
  return state !== undefined && !state.startsWith('Z')
}

/** When the process started, as an opaque text: with the pid it names one process, even after the pid is reused. */
export function processStart(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined
  return onLinux ? statFields(pid)?.[19] : ps(pid, 'lstart')
}

/** The words of the command line; empty when the process is gone. */
export function commandLine(pid: number): string[] {
  if (!onLinux) return (ps(pid, 'command') ?? '').split(' ')
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** The current folder of a process, where the system tells it to us. */
export function workingDirectory(pid: number): string | undefined {
  try {
    return onLinux ? readlinkSync(`/proc/${pid}/cwd`) : undefined
  } catch {
    return undefined
  }
}

/** Sends a signal; false when the process is already gone. A negative pid means its process group. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Waits for the end of a process that need not be our child; false when the deadline passed first. */
export async function ended(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (isAlive(pid)) {
    if (Date.now() >= deadline) return false
    await delay(15)
  }
  return true
}
