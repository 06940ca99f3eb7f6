import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { processStart } from '../system/processes.js'
import type { Profile } from './collector.js'

/** What a stack that runs says of itself to other commands. No secret: tokens lie in files of their own beside it. */
export interface RunningStack {
  /** Absolute path of its folder. */
  readonly dir: string
  readonly pid: number
  readonly profile: Profile
  readonly urls: Readonly<Record<string, string>>
  /** Names of the parts that were started; one of them may have ended since. */
  readonly parts: readonly string[]
}

type Written = RunningStack & { start: string }

const fileOf = (dir: string): string => join(dir, 'stack.json')

/** Keeps `stack.json` of the folder true while the stack runs. */
export function handOver(facts: Omit<RunningStack, 'pid' | 'parts'>): {
  add(part: string): void
  end(): void
} {
  const file = fileOf(facts.dir)
  const parts = new Set<string>()
  let ended = false

  // By rename, so that it is never half; synchronous, as it is small.
  function save(): void {
    const start = processStart(process.pid) ?? ''
    const text = JSON.stringify({ ...facts, pid: process.pid, start, parts: [...parts] } satisfies Written)
    mkdirSync(facts.dir, { recursive: true })
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  return {
    // A part may come up while the stack is being stopped.
    add(part) {
      parts.add(part)
      if (!ended) save()
    },
    end() {
      ended = true
      rmSync(file, { force: true })
    },
  }
}

/** The stack that runs in this folder; undefined when none does, also when one was killed and left its file behind. */
export function runningStack(dir: string): RunningStack | undefined {
  try {
    const found = JSON.parse(readFileSync(fileOf(dir), 'utf8')) as Partial<Written>
    const { pid, start, profile, urls, parts } = found
    if (pid === undefined || profile === undefined || urls === undefined || parts === undefined)
      return undefined
    return processStart(pid) === start ? { dir: resolve(dir), pid, profile, urls, parts } : undefined
  } catch {
    return undefined
  }
}

/** A token of that folder; undefined if it cannot be read. */
export function tokenOf(dir: string, role: 'ingest' | 'read'): string | undefined {
  try {
    return readFileSync(join(dir, `${role}-token`), 'utf8').trim()
  } catch {
    return undefined
  }
}
