import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SdkError } from './errors.js'
import { type Env, oneOf, url, whole } from './settings.js'

/** Options of the way that records take: where they are kept, until when, and who says that they have arrived. */
export interface SpoolingOptions {
  /** Folder of the spool, `THROUGHLINE_SPOOL_DIR`. Default: `throughline-spool-<uid>` in the system's folder for temporary files. */
  spoolDir?: string
  /** Disk that the spool of this instance may take, in bytes, `THROUGHLINE_SPOOL_MAX_BYTES`. Default 2 GiB. */
  spoolMaxBytes?: number
  /** Which records are given up, and counted, when the spool has reached that size: `newest` (default) or `oldest`. `THROUGHLINE_SPOOL_DROPS`. */
  spoolDrops?: 'newest' | 'oldest'
  /**
   * What a record survives once the call returns, `THROUGHLINE_DURABILITY`. `process` (default): it is written, and survives the end of the process.
   * `host`: it is on the disk itself some ms later, and survives the end of the machine. `memory`: neither.
   */
  durability?: 'process' | 'memory' | 'host'
  /**
   * Who says that a record may leave the spool, `THROUGHLINE_CONFIRM`. `recorder`: the recorder at `recorderUrl`, once it is in Postgres; the
   * default where there are an endpoint and a `recorderUrl`. `collector`: the Collector's 200. In direct mode a 200 is the recorder's word.
   */
  confirm?: 'recorder' | 'collector'
  /** What was sent and is not confirmed after this time is sent again, in ms, `THROUGHLINE_CONFIRM_TIMEOUT`. Default 60,000. */
  confirmTimeoutMs?: number
  /**
   * Bearer token for the recorder, `THROUGHLINE_RECORDER_TOKEN`: to ask it for confirmation and, in direct mode, to send to it. Never logged.
   */
  recorderToken?: string
}

/** The same, with their defaults. */
export interface Spooling {
  readonly spoolDir: string
  readonly spoolMaxBytes: number
  readonly spoolDrops: 'newest' | 'oldest'
  readonly durability: 'process' | 'memory' | 'host'
  /** Set where a recorder confirms. */
  readonly confirm:
    | { readonly url: string; readonly token: string | undefined; readonly timeoutMs: number }
    | undefined
}

/** Each checked once, here. */
export function readSpooling(
  options: SpoolingOptions & { recorderUrl?: string },
  env: Env,
  mode: 'collector' | 'direct',
): Spooling {
  return {
    spoolDir:
      options.spoolDir ??
      env.THROUGHLINE_SPOOL_DIR ??
      // The number and not the name: a container may run under a user that has none.
      join(tmpdir(), `throughline-spool-${process.getuid?.() ?? 0}`),
    spoolMaxBytes: whole(
      'spoolMaxBytes (THROUGHLINE_SPOOL_MAX_BYTES)',
      options.spoolMaxBytes ?? env.THROUGHLINE_SPOOL_MAX_BYTES,
      2 ** 31,
      2 ** 20,
      2 ** 50,
    ),
    spoolDrops: oneOf(
      'spoolDrops (THROUGHLINE_SPOOL_DROPS)',
      options.spoolDrops ?? env.THROUGHLINE_SPOOL_DROPS,
      ['newest', 'oldest'],
    ),
    durability: oneOf(
      'durability (THROUGHLINE_DURABILITY)',
      options.durability ?? env.THROUGHLINE_DURABILITY,
      ['process', 'memory', 'host'],
    ),
    confirm: readConfirm(options, env, mode),
  }
}

/** What goes into each request to the recorder itself. */
export function recorderAuthorization(options: SpoolingOptions, env: Env): Record<string, string> {
  const token = tokenOf(options, env)
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

function readConfirm(
  options: SpoolingOptions & { recorderUrl?: string },
  env: Env,
  mode: 'collector' | 'direct',
): Spooling['confirm'] {
  const recorderUrl = options.recorderUrl ?? env.THROUGHLINE_RECORDER_URL
  const by = oneOf(
    'confirm (THROUGHLINE_CONFIRM)',
    options.confirm ?? env.THROUGHLINE_CONFIRM,
    recorderUrl === undefined ? ['collector', 'recorder'] : ['recorder', 'collector'],
  )
  const timeoutMs = whole(
    'confirmTimeoutMs (THROUGHLINE_CONFIRM_TIMEOUT)',
    options.confirmTimeoutMs ?? env.THROUGHLINE_CONFIRM_TIMEOUT,
    60_000,
    1_000,
    86_400_000,
  )
  if (by === 'recorder' && recorderUrl === undefined)
    throw new SdkError(
      'TL_OPTION_INVALID',
      `confirm (THROUGHLINE_CONFIRM) is 'recorder': recorderUrl (THROUGHLINE_RECORDER_URL) must say where it is`,
    )
  // There a 200 comes after the COMMIT: nothing is left to be asked.
  if (by === 'collector' || recorderUrl === undefined || mode === 'direct') return undefined
  const base = url('recorderUrl (THROUGHLINE_RECORDER_URL)', recorderUrl)
  return { url: `${base}/v1/confirm`, token: tokenOf(options, env), timeoutMs }
}

/** @throws SdkError for what no header can carry; the message does not repeat it. */
function tokenOf(options: SpoolingOptions, env: Env): string | undefined {
  const token = options.recorderToken ?? env.THROUGHLINE_RECORDER_TOKEN
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return token
  throw new SdkError(
    'TL_OPTION_INVALID',
    'recorderToken (THROUGHLINE_RECORDER_TOKEN) has a space, a line break or a character that is not ASCII',
  )
}
