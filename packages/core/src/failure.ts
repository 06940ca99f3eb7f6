import { redactText } from './redact.js'

/** What an operation's failure is known by. Every field is read once, guarded: a hostile getter cannot fail the call. */
export interface FailureInfo {
  /** `error.type`: the error's `name`, or what was thrown instead of an Error. Low cardinality: it is a metric label. */
  readonly type: string
  /** Secrets in it are replaced. */
  readonly message: string
  /** With the stacks of its causes, and of the errors it aggregates. */
  readonly stack: string | undefined
}

/** Long enough for any real message or stack; the recorder's own limits are the same. */
const MAX_MESSAGE = 8_192
const MAX_STACK = 32_768
/** A chain of causes is as long as the layers of a program; more is a chain without an end. */
const MAX_CAUSES = 8
/** Of an AggregateError; the first of them are those that matter. */
const MAX_ERRORS = 5
/** A name is a label: what is no identifier is not used as one. */
const IDENTIFIER = /^[A-Za-z_$][\w$.:-]{0,99}$/

export function describeFailure(thrown: unknown): FailureInfo {
  if (isError(thrown)) {
    const name = read(thrown, 'name')
    return {
      type: typeof name === 'string' && IDENTIFIER.test(name) ? name : 'Error',
      message: redactText((readText(thrown, 'message') ?? '').slice(0, MAX_MESSAGE)),
      stack: stackOf(thrown),
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

function stackOf(error: Error): string | undefined {
  const own = readText(error, 'stack')
  const causes = related(error, [error])
  if (own === undefined && causes === '') return undefined
  return redactText(`${own ?? ''}${causes}`.slice(0, MAX_STACK))
}

/** The stacks of what an error says it comes from, each below a line that says how. */
function related(error: Error, seen: Error[]): string {
  let result = ''
  const errors = read(error, 'errors')
  if (Array.isArray(errors)) {
    const shown = errors.slice(0, MAX_ERRORS)
    result += shown.map((one: unknown, i) => part(`Error ${i + 1} of ${errors.length}`, one, seen)).join('')
  }
  const cause = read(error, 'cause')
  return cause === undefined ? result : result + part('Caused by', cause, seen)
}

function part(how: string, thrown: unknown, seen: Error[]): string {
  if (!isError(thrown)) return `\n${how}: ${text(thrown)}`
  if (seen.includes(thrown)) return `\n${how}: [circular]`
  if (seen.length > MAX_CAUSES) return `\n${how}: [cut]`
  const own = readText(thrown, 'stack') ?? `${readText(thrown, 'name')}: ${readText(thrown, 'message')}`
  return `\n${how}: ${own.slice(0, MAX_STACK)}${related(thrown, [...seen, thrown])}`
}

function read(error: Error, key: 'name' | 'message' | 'stack' | 'cause' | 'errors'): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function readText(error: Error, key: 'name' | 'message' | 'stack'): string | undefined {
  const value = read(error, key)
  return typeof value === 'string' ? value : undefined
}

function text(thrown: unknown): string {
  try {
    const whole =
      typeof thrown === 'object' && thrown !== null && 'message' in thrown
        ? String(thrown.message)
        : String(thrown)
    return redactText(whole.slice(0, MAX_MESSAGE))
  } catch {
    return 'a value that cannot be shown'
  }
}
