import { readFileSync } from 'node:fs'
import { ApiError, type Client, createClient } from '@throughline/recorder/client'
import { CliError } from '../errors.js'

/** The options that every command with a recorder has, for `parseArgs`. */
export const recorderOptions = {
  recorder: { type: 'string' },
  'token-file': { type: 'string' },
} as const

/** The lines of the help that go with them. */
export const RECORDER_HELP = `  --recorder    base URL of the recorder (default: THROUGHLINE_RECORDER_URL, else http://127.0.0.1:4400)
  --token-file  file with a token of role read, such as .throughline/read-token (default: THROUGHLINE_RECORDER_TOKEN holds one)`

/** Throws `TL_USAGE` for a file that cannot be read. */
export function recorderClient(values: {
  recorder?: string | undefined
  'token-file'?: string | undefined
}): Client {
  const url = values.recorder ?? (process.env.THROUGHLINE_RECORDER_URL || 'http://127.0.0.1:4400')
  const file = values['token-file']
  const token = file === undefined ? process.env.THROUGHLINE_RECORDER_TOKEN : secretIn(file)
  return createClient({ url, token: token || undefined })
}

function secretIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new CliError('TL_USAGE', `--token-file ${file} cannot be read.`, { cause })
  }
}

/** What the recorder refuses is said in its own words: a wrong parameter is `TL_USAGE`, everything else `TL_LOOKUP_FAILED`. */
export function recorderFault(cause: unknown): unknown {
  if (!(cause instanceof ApiError)) return cause
  const hint =
    cause.status === 401 || cause.status === 403
      ? ' A token of role read is needed: throughline token create --role read --name NAME'
      : ''
  return new CliError(
    cause.status === 400 ? 'TL_USAGE' : 'TL_LOOKUP_FAILED',
    `The recorder: ${cause.message} (${cause.code}).${hint}`,
    { cause },
  )
}
