/** Every code of this package with the condition behind it; `docs/reference/errors.md` lists the same ones. */
export const codes = {
  TL_PORT_TAKEN: 'A port that a part of the local stack needs is in use.',
  TL_POSTGRES_FAILED: 'The embedded Postgres could not be set up, started or stopped.',
  TL_GO_MISSING: 'A binary has to be built and no Go tool chain is on the PATH.',
  TL_GO_TOO_OLD: 'A binary has to be built and the Go tool chain is older than 1.25.',
  TL_BUILD_FAILED: 'The Go tool chain refused to build a binary.',
  TL_BUILD_ABORTED: 'A build was ended by its AbortSignal.',
  TL_BINARY_NOT_FOUND: 'An environment variable names a binary that is not an executable file.',
  TL_CACHE_UNUSABLE: 'The cache folder for binaries cannot be made or written.',
  TL_LOCK_TIMEOUT: 'Another process holds a lock for longer than we are ready to wait.',
  TL_PORT_INVALID: 'A port option or variable is not a port number, or gives one port to two parts.',
  TL_STACK_LOCKED: 'Another process runs the local stack in the same folder.',
  TL_PART_STATE: 'A part of the stack was asked for something that its state does not allow.',
  TL_PROCESS_EXITED: 'A child process of the stack ended before it was ready.',
  TL_PROCESS_NOT_READY: 'A child process of the stack did not answer its health check in time.',
  TL_WAIT_TIMEOUT: 'A state that was waited for did not come about in time.',
  TL_PROBE_FAILED: 'The probe of `throughline dev` could not run its operation.',
  TL_USAGE: 'An option of the command line has a value that it cannot have.',
  TL_LOOKUP_FAILED: 'A store refused a lookup or answered with something unexpected.',
  TL_INIT_REFUSED:
    'What `throughline init` found is not understood, or is not supported; nothing was changed.',
  TL_INIT_CONFLICT: 'A file that `throughline init` would make is there already and is not its own.',
  TL_INIT_UNCONFIRMED: '`throughline init` would write, has no terminal to ask at, and was not told `--yes`.',
  TL_INIT_WRITE: 'A file could not be written by `throughline init`; what it had written before stands.',
  TL_INIT_RECORD: 'The record of what `throughline init` has written cannot be used to undo it.',
} as const

export type CliErrorCode = keyof typeof codes

/** What the command line refuses or fails at. The message is one that a user can act on; `code` is stable. */
export class CliError extends Error {
  readonly code: CliErrorCode

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.code = code
  }
}
