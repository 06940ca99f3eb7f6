import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ended, processStart, signal } from '../system/processes.js'

/** A child as it stands in `processes.json`; pid and start time together name one process, even after the pid is reused. */
interface Entry {
  name: string
  pid: number
  start: string
}

/** The children of one stack folder, on disk, so that the next start can end what a killed parent left behind. */
export interface Registry {
  add(name: string, pid: number): void
  remove(pid: number): void
  /** Ends what earlier processes recorded and did not end; answers with the names. Call it under the stack's lock. */
  endLeftovers(deadlineMs?: number): Promise<string[]>
}

export function openRegistry(dir: string): Registry {
  const file = join(dir, 'processes.json')
  let entries = read(file)

  // Synchronous, so that no turn of the event loop lies between a spawn and its entry; by rename, so that it is never half.
  function save(): void {
    mkdirSync(dir, { recursive: true })
    writeFileSync(`${file}.new`, JSON.stringify(entries), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }

  return {
    add(name, pid) {
      const start = processStart(pid)
      if (start === undefined) return
      entries.push({ name, pid, start })
      save()
    },
    remove(pid) {
      entries = entries.filter((entry) => entry.pid !== pid)
      save()
    },
    async endLeftovers(deadlineMs = 5_000) {
      const left = entries.filter(({ pid, start }) => processStart(pid) === start)
      await Promise.all(
        left.map(async ({ pid }) => {
          // A stopped process acts on SIGTERM only once it continues.
          signal(pid, 'SIGTERM')
          signal(pid, 'SIGCONT')
          if (await ended(pid, deadlineMs)) return
          signal(pid, 'SIGKILL')
          await ended(pid, deadlineMs)
        }),
      )
      entries = []
      save()
      return left.map(({ name }) => name)
    },
  }
}

function read(file: string): Entry[] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(parsed) ? parsed.filter(isEntry) : []
  } catch {
    return []
  }
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Partial<Entry> | null
  return (
    typeof entry?.name === 'string' &&
    Number.isInteger(entry.pid) &&
    entry.pid! > 1 &&
    typeof entry.start === 'string'
  )
}
