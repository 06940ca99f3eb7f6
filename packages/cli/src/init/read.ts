import { readFileSync } from 'node:fs'
import { CliError } from '../errors.js'

/** The text of a file; undefined where there is none. @throws CliError if it is not UTF-8: writing it again would change it. */
export function readText(path: string): string | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CliError('TL_INIT_REFUSED', `${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
  const text = bytes.toString('utf8')
  if (Buffer.from(text, 'utf8').equals(bytes)) return text
  throw new CliError(
    'TL_INIT_REFUSED',
    `${path} is not UTF-8, so it cannot be edited without changing it.\nSave it as UTF-8 and start again.`,
  )
}

/** An object from a file of JSON; undefined where there is none that can be read. */
export function readJson(path: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
