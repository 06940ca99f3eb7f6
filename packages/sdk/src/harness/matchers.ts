import { isDeepStrictEqual } from 'node:util'
import type { TestThroughline } from './harness.js'
import type { RecordedOperation } from './recorded.js'

/** What an operation is expected to be: only what is named is compared. */
export interface ExpectedOperation {
  readonly success?: boolean
  readonly outcome?: RecordedOperation['outcome']
  readonly userId?: string
  readonly correlationId?: string
  /** `message` is the whole text, or a pattern. */
  readonly error?: { readonly type?: string; readonly message?: string | RegExp }
  /** Single keys; nested values are compared whole. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Values by name, with or without the prefix `business.`; `'129.90'` and `129.9` are one value. */
  readonly business?: Readonly<Record<string, string | number>>
  /** How many such operations there are. Default: at least one. */
  readonly times?: number
}

export interface MatcherResult {
  readonly pass: boolean
  message(): string
}

/** For the types of `expect`: the guide shows the three lines that make them known to Vitest and Jest. */
export interface ThroughlineMatchers<Result = unknown> {
  /** Of a `testThroughline()`: an operation of this name, and of what else is given, was recorded. */
  toHaveOperation(name: string, expected?: ExpectedOperation): Result
}

/** What Vitest and Jest give to a matcher as `this`: the part of it that is used. */
interface MatcherContext {
  readonly isNot?: boolean
  equals?(a: unknown, b: unknown): boolean
}

interface Difference {
  readonly operation: RecordedOperation
  /** Empty: it matches. */
  readonly lines: string[]
}

/** `expect.extend(throughlineMatchers)`, in Vitest and Jest alike. */
export const throughlineMatchers = {
  toHaveOperation(
    this: MatcherContext | undefined,
    received: unknown,
    name: string,
    expected: ExpectedOperation = {},
  ): MatcherResult {
    const equals = this?.equals?.bind(this) ?? isDeepStrictEqual
    const { operations } = received as TestThroughline
    if (!Array.isArray(operations))
      throw new TypeError('toHaveOperation: expect() takes what testThroughline() gave')
    const compared = (operations as RecordedOperation[]).map((operation) => ({
      operation,
      lines: operation.name === name ? differences(operation, expected, equals) : [`name: ${operation.name}`],
    }))
    const found = compared.filter(({ lines }) => lines.length === 0).length
    const pass = expected.times === undefined ? found > 0 : found === expected.times
    return { pass, message: () => report(name, expected, compared, found, this?.isNot === true) }
  },
}

function differences(
  operation: RecordedOperation,
  expected: ExpectedOperation,
  equals: (a: unknown, b: unknown) => boolean,
): string[] {
  const lines: string[] = []
  const compare = (what: string, actual: unknown, wanted: unknown): void => {
    if (!equals(actual, wanted)) lines.push(`${what}: ${show(actual)} instead of ${show(wanted)}`)
  }
  for (const key of ['success', 'outcome', 'userId', 'correlationId'] as const)
    if (expected[key] !== undefined) compare(key, operation[key], expected[key])
  const { type, message } = expected.error ?? {}
  if (type !== undefined) compare('error.type', operation.error?.type, type)
  if (message instanceof RegExp) {
    if (!message.test(operation.error?.message ?? ''))
      lines.push(`error.message: ${show(operation.error?.message)} instead of ${String(message)}`)
  } else if (message !== undefined) compare('error.message', operation.error?.message, message)
  if (expected.error !== undefined && operation.error === undefined && lines.length === 0)
    lines.push('error: there was none')
  for (const [key, wanted] of Object.entries(expected.metadata ?? {}))
    compare(`metadata.${key}`, operation.metadata[key], wanted)
  for (const [key, wanted] of Object.entries(expected.business ?? {})) {
    const values = operation.business
      .filter((one) => one.name === key || one.name === `business.${key}`)
      .map((one) => one.value)
    if (!values.some((value) => plain(value) === plain(String(wanted))))
      lines.push(`business.${key}: ${values.join(' and ') || 'nothing'} instead of ${wanted}`)
  }
  return lines
}

/** `129.90` is `129.9`; as text, since a double does not hold every amount. */
function plain(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/0+$/, '').replace(/\.$/, '') : decimal
}

/** At most this many operations are shown, the likeliest first. */
const SHOWN = 10

function report(
  name: string,
  expected: ExpectedOperation,
  compared: Difference[],
  found: number,
  isNot: boolean,
): string {
  const { times, ...rest } = expected
  const like = Object.keys(rest).length === 0 ? '' : ` with ${show(rest)}`
  const wanted = times === undefined ? (isNot ? 'no' : 'an') : `${isNot ? 'not ' : ''}${times}`
  const first = `expected ${wanted} operation ${name}${like}, and found ${found === 0 ? 'none' : found}`
  if (compared.length === 0) return `${first}.\nNothing was recorded.`
  const distance = ({ operation, lines }: Difference) => (operation.name === name ? lines.length : 1_000)
  const sorted = [...compared].sort((a, b) => distance(a) - distance(b))
  const lines = sorted.slice(0, SHOWN).map(({ operation, lines: different }) => {
    const why = operation.name === name ? different.map((line) => `\n      ${line}`).join('') : ''
    return `  ${describe(operation)}${why}`
  })
  if (sorted.length > SHOWN) lines.push(`  and ${sorted.length - SHOWN} more`)
  return [`${first}.`, `Recorded (${compared.length}):`, ...lines].join('\n')
}

function describe({ name, outcome, error, userId, metadata, business }: RecordedOperation): string {
  const parts = [name, outcome]
  if (error !== undefined) parts.push(`${error.type}: ${error.message}`)
  if (userId !== undefined) parts.push(`user ${userId}`)
  if (Object.keys(metadata).length > 0) parts.push(`metadata ${show(metadata)}`)
  for (const one of business) parts.push(`${one.name} ${one.value}`)
  return parts.join(', ')
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (inner instanceof RegExp ? String(inner) : inner))
  return text === undefined ? 'nothing' : text
}
