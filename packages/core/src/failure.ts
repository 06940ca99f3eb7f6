/** What an operation's failure is known by. Every field is read once, guarded: a hostile getter cannot fail the call. */
export interface FailureInfo {
  /** `error.type`: the error's `name`, or what was thrown instead of an Error. Low cardinality: it is a metric label. */
  readonly type: string
  readonly message: string
  readonly stack: string | undefined
}

/** Long enough for any real message or stack; the recorder's own limits are the same. */
const MAX_MESSAGE = 8_192
const MAX_STACK = 32_768
/** A name is a label: what is no identifier is not used as one. */
const IDENTIFIER = /^[A-Za-z_$][\w$.:-]{0,99}$/

export function describeFailure(thrown: unknown): FailureInfo {
  if (isError(thrown)) {
    const name = read(thrown, 'name')
    return {
      type: name !== undefined && IDENTIFIER.test(name) ? name : 'Error',
      message: (read(thrown, 'message') ?? '').slice(0, MAX_MESSAGE),
      stack: read(thrown, 'stack')?.slice(0, MAX_STACK),
    }
  }
  return { type: thrown === null ? 'null' : typeof thrown, message: text(thrown), stack: undefined }
}

/** A proxy may throw at being asked for its prototype. */
function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error
  } catch {
    return false
  }
}

function read(error: Error, key: 'name' | 'message' | 'stack'): string | undefined {
  try {
    const value: unknown = error[key]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function text(thrown: unknown): string {
  try {
    if (typeof thrown === 'object' && thrown !== null && 'message' in thrown)
      return String(thrown.message).slice(0, MAX_MESSAGE)
    return String(thrown).slice(0, MAX_MESSAGE)
  } catch {
    return 'a value that cannot be shown'
  }
}
