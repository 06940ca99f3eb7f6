import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../errors.js'
import { signal as sendSignal } from '../system/processes.js'
import type { Part } from './part.js'
import type { Registry } from './registry.js'
import { until } from './wait.js'

/*
 * A child process with a health check.
 *
 *   idle      no process. `start` → starting
 *   starting  spawned and recorded; its health URL is asked until it says 200 → running. Ends before → TL_PROCESS_EXITED with its
 *             last log lines; deadline → killed, TL_PROCESS_NOT_READY with the same lines. Both → idle
 *   running   ends unasked → idle, and `log` is told why
 *   stopping  SIGTERM and SIGCONT (it may be stopped), after the deadline SIGKILL; its end → idle
 *
 * The child has a session of its own: Ctrl-C in a terminal reaches only us, and we end the parts in order. It is recorded on
 * disk against the case that we are killed ourselves, and ended on our own exit against the case that nobody called `stop`.
 */
export interface ProcessSpec {
  name: string
  url: string
  command: string
  args: readonly string[]
  /** The whole environment but for `PATH`, `HOME`, `TMPDIR` and the locale: nothing of the user's own settings leaks in. */
  env?: Record<string, string>
  /** Answers 200 once the child is ready. */
  healthUrl: string
  /** Default 30,000. */
  readyDeadlineMs?: number
  /** Default 10,000. */
  stopDeadlineMs?: number
  /** Called before each spawn: throws if a port is taken. */
  beforeStart?: () => Promise<void>
}

interface ProcessContext {
  /** Folder of the stack: `logs/<name>.log` lies in it. */
  dir: string
  registry: Registry
  log: (line: string) => void
}

interface Running {
  child: ChildProcess
  pid: number
  exit: Promise<string>
  /** Set by `stop` and `kill`, so that the end is no news. */
  expected: boolean
}

export function processPart(spec: ProcessSpec, context: ProcessContext): Part {
  const { name, readyDeadlineMs = 30_000, stopDeadlineMs = 10_000 } = spec
  const logFile = join(context.dir, 'logs', `${name}.log`)
  let current: Running | undefined
  let starting: Promise<void> | undefined

  async function launch(): Promise<void> {
    await spec.beforeStart?.()
    const running = await spawnChild(spec, logFile, context.registry)
    current = running
    endWithUs(running.pid)
    let ended: string | undefined
    let ready = false
    const exit = running.exit.then((how) => {
      ended = how
      context.registry.remove(running.pid)
      ours.delete(running.pid)
      if (current === running) current = undefined
      if (ready && !running.expected) context.log(`${name} ended unexpectedly (${how}). ${logTail(logFile)}`)
    })
    running.exit = exit.then(() => ended ?? '')

    const gaveUp = new AbortController()
    void exit.then(() => gaveUp.abort())
    try {
      await until(() => isHealthy(spec.healthUrl), {
        what: `${name} at ${spec.healthUrl}`,
        deadlineMs: readyDeadlineMs,
        everyMs: 50,
        signal: gaveUp.signal,
      })
      ready = true
    } catch (cause) {
      if (ended !== undefined)
        throw new CliError(
          'TL_PROCESS_EXITED',
          `${name} ended before it was ready (${ended}). ${logTail(logFile)}`,
        )
      await end(running, 'SIGKILL', stopDeadlineMs)
      throw new CliError(
        'TL_PROCESS_NOT_READY',
        `${name} did not answer at ${spec.healthUrl} within ${readyDeadlineMs / 1000} s. ${logTail(logFile)}`,
        { cause },
      )
    }
    if (ended !== undefined)
      throw new CliError(
        'TL_PROCESS_EXITED',
        `${name} ended as soon as it was ready (${ended}). ${logTail(logFile)}`,
      )
  }

  return {
    name,
    url: spec.url,
    logFile,
    get pid() {
      return current?.pid
    },
    get running() {
      return current !== undefined
    },
    async start() {
      if (current && !starting) return
      starting ??= launch().finally(() => {
        starting = undefined
      })
      await starting
    },
    async stop() {
      if (current) await end(current, 'SIGTERM', stopDeadlineMs)
    },
    async kill(signal) {
      if (!current) return
      if (signal === 'SIGSTOP' || signal === 'SIGCONT') sendSignal(current.pid, signal)
      else await end(current, signal, stopDeadlineMs)
    },
  }
}

async function end(running: Running, signal: NodeJS.Signals, deadlineMs: number): Promise<void> {
  running.expected = true
  sendSignal(running.pid, signal)
  sendSignal(running.pid, 'SIGCONT')
  const timer = setTimeout(() => sendSignal(running.pid, 'SIGKILL'), deadlineMs)
  await running.exit
  clearTimeout(timer)
}

async function spawnChild(spec: ProcessSpec, logFile: string, registry: Registry): Promise<Running> {
  const output = openLog(logFile)
  try {
    const child = spawn(spec.command, spec.args, {
      env: { ...inherited(), ...spec.env },
      stdio: ['ignore', output, output],
      detached: true,
    })
    if (child.pid !== undefined) registry.add(spec.name, child.pid)
    const exit = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`))
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    return { child, pid: child.pid!, exit, expected: false }
  } catch (cause) {
    throw new CliError(
      'TL_PROCESS_EXITED',
      `${spec.name} could not be started: ${(cause as Error).message}`,
      { cause },
    )
  } finally {
    closeSync(output)
  }
}

function inherited(): Record<string, string> {
  const env: Record<string, string> = {}
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'SystemRoot']) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  return env
}

async function isHealthy(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
  await response.body?.cancel()
  return response.status === 200
}

// 10 MB and one older file: days of a healthy stack, and a bound on a sick one's disk over restarts.
function openLog(logFile: string): number {
  mkdirSync(join(logFile, '..'), { recursive: true })
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  if (size > 10_000_000) renameSync(logFile, `${logFile}.1`)
  return openSync(logFile, 'a', 0o600)
}

function logTail(logFile: string): string {
  const bytes = Buffer.alloc(4_096)
  let length = 0
  const file = openSync(logFile, 'r')
  try {
    const { size } = statSync(logFile)
    length = readSync(file, bytes, 0, bytes.length, Math.max(0, size - bytes.length))
  } finally {
    closeSync(file)
  }
  const lines = bytes.toString('utf8', 0, length).trimEnd().split('\n').slice(-8)
  return `Last lines of ${logFile}:\n${lines.join('\n')}`
}

const ours = new Set<number>()
let watching = false

function endWithUs(pid: number): void {
  ours.add(pid)
  if (watching) return
  watching = true
  process.on('exit', () => {
    for (const child of ours) {
      sendSignal(child, 'SIGTERM')
      sendSignal(child, 'SIGCONT')
    }
  })
}
