import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { CliError } from '../errors.js'
import { readText } from './read.js'
import { writeWhole } from './write.js'

/** Where it stands: in the folder of the service. */
export const RECORD = '.throughline/init.json'
const IGNORE = '.throughline/.gitignore'

export interface RecordedFile {
  readonly path: string
  /** As it was; `null` where there was none. */
  readonly before: string | null
  /** As we left it; not kept of files that we made, which need only be known again. */
  readonly after?: string
  /** SHA-256 of what we wrote. */
  readonly hash: string
}

/** One run. */
export interface Step {
  readonly at: string
  readonly version: string
  readonly files: readonly RecordedFile[]
  /** Those that we made, outermost first. */
  readonly folders: readonly string[]
}

export interface InitRecord {
  readonly format: 1
  /** We made the `.gitignore` beside it: the record is of this copy of the folder alone. */
  readonly ignored: boolean
  readonly steps: readonly Step[]
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** @throws CliError `TL_INIT_RECORD` where it was written by another format, or names files outside of the folder. */
export function readRecord(folder: string): InitRecord {
  const text = readText(join(folder, RECORD))
  if (text === undefined) return { format: 1, ignored: false, steps: [] }
  let value: Partial<InitRecord>
  try {
    value = JSON.parse(text) as Partial<InitRecord>
  } catch (error) {
    throw broken(`it is not JSON: ${(error as Error).message}`)
  }
  if (value.format !== 1 || !Array.isArray(value.steps))
    throw broken('it is of a format that this version does not know')
  for (const { files, folders } of value.steps as Step[])
    for (const path of [...files.map((file) => file.path), ...folders])
      if (!isInside(folder, path)) throw broken(`${path} lies outside of the folder`)
  return value as InitRecord
}

/** Without steps there is nothing to keep. */
export function writeRecord(folder: string, record: InitRecord): void {
  const path = join(folder, RECORD)
  const ignore = join(folder, IGNORE)
  if (record.steps.length === 0) {
    rmSync(path, { force: true })
    if (record.ignored) rmSync(ignore, { force: true })
    return
  }
  const ignored = record.ignored || !existsSync(ignore)
  if (ignored) writeWhole(ignore, '*\n')
  // It holds what stood in the files before.
  writeWhole(path, `${JSON.stringify({ ...record, ignored }, null, 2)}\n`, 0o600)
}

/** What we wrote last into that file; undefined for a file that we never wrote. */
export function lastWritten(record: InitRecord, path: string): RecordedFile | undefined {
  return record.steps.flatMap(({ files }) => files).findLast((file) => file.path === path)
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, resolve(folder, path))
  return way !== '' && !isAbsolute(path) && !isAbsolute(way) && way.split(/[\\/]/)[0] !== '..'
}

function broken(why: string): CliError {
  return new CliError(
    'TL_INIT_RECORD',
    `${RECORD} cannot be used: ${why}.\nUndo by your version control instead, then remove that file. Nothing was changed.`,
  )
}
