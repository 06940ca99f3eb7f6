import { join } from 'node:path'
import { requireUnchanged, written } from './apply.js'
import type { Change } from './change.js'
import { readText } from './read.js'
import { hashOf, type InitRecord, type RecordedFile, readRecord, type Step, writeRecord } from './record.js'
import { removeEmpty } from './write.js'

export interface UndoPlan {
  /** What goes back to what it was. */
  readonly changes: readonly Change[]
  /** Files that somebody has changed since: what we would have taken back. They stay. */
  readonly kept: readonly Change[]
  /** The record of what is kept. */
  readonly record: InitRecord
  readonly folders: readonly string[]
}

/** Undefined where nothing is on record. */
export function planUndo(folder: string): UndoPlan | undefined {
  const record = readRecord(folder)
  const { steps } = record
  if (steps.length === 0) return undefined
  const now = new Map<string, string | null>()
  const found = new Map<string, string | null>()
  const kept = new Map<string, Change>()
  const left: Step[] = []
  for (const step of steps.toReversed()) {
    const stay: RecordedFile[] = []
    for (const file of step.files) {
      const { path, before } = file
      if (!now.has(path)) {
        const text = readText(join(folder, path)) ?? null
        now.set(path, text)
        found.set(path, text)
      }
      const text = now.get(path) ?? null
      if (kept.has(path)) stay.push(file)
      else if (text !== null && hashOf(text) === file.hash) now.set(path, before)
      // Undone by hand, or never written.
      else if (text === before) continue
      // We made it, and somebody has removed it.
      else if (text === null && before === null) continue
      else {
        kept.set(path, { path, before: file.after ?? text, after: before })
        stay.push(file)
      }
    }
    if (stay.length > 0) left.unshift({ ...step, files: stay })
  }
  const changes = [...now]
    .map(([path, after]) => ({
      path,
      before: found.get(path) ?? null,
      after,
      secret: path.endsWith('/.env'),
    }))
    .filter(({ before, after }) => before !== after)
  return {
    changes,
    kept: [...kept.values()],
    record: { ...record, steps: left },
    folders: steps.flatMap((step) => step.folders),
  }
}

export function applyUndo(folder: string, { changes, record, folders }: UndoPlan): void {
  for (const change of changes) requireUnchanged(folder, change)
  for (const change of changes) written(folder, change)
  writeRecord(folder, record)
  removeEmpty(folder, folders)
}
