import { join } from 'node:path'
import { CliError } from '../errors.js'
import type { Change } from './change.js'
import { readText } from './read.js'
import { hashOf, RECORD, readRecord, writeRecord } from './record.js'
import { missingFolders, writeChange } from './write.js'

/** Writes what was shown. The record comes first: whatever of the rest was done can be undone. */
export function apply(folder: string, changes: readonly Change[], version: string): void {
  for (const change of changes) requireUnchanged(folder, change)
  const record = readRecord(folder)
  const step = {
    at: new Date().toISOString(),
    version,
    files: changes.map(({ path, before, after }) => ({
      path,
      before,
      ...(before === null || after === null ? {} : { after }),
      hash: hashOf(after ?? ''),
    })),
    folders: missingFolders(folder, [...changes.map(({ path }) => path), RECORD]),
  }
  writeRecord(folder, { ...record, steps: [...record.steps, step] })
  for (const change of changes) written(folder, change)
}

/** Between the diff and the answer somebody may have saved the file. */
export function requireUnchanged(folder: string, { path, before }: Change): void {
  if ((readText(join(folder, path)) ?? null) === before) return
  throw new CliError(
    'TL_INIT_REFUSED',
    `${path} was changed in the meantime. Start again.\nNothing was changed.`,
  )
}

/** @throws CliError `TL_INIT_WRITE`; a run that is repeated goes on from there. */
export function written(folder: string, change: Change): void {
  try {
    writeChange(folder, change)
  } catch (error) {
    throw new CliError(
      'TL_INIT_WRITE',
      `${change.path} cannot be written: ${(error as Error).message}\nWhat was written before it stands. Mend that and run it again, or take it back by --undo.`,
      { cause: error },
    )
  }
}
