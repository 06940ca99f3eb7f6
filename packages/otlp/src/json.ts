import { OtlpError } from './errors.js'
import type { Budget } from './limits.js'

export type JsonObject = Record<string, unknown>

/**
 * Reads the JSON form of OTLP from an untrusted value that `JSON.parse` gave. Each method takes the object and the key
 * to read, answers with the default of protobuf when the key is absent or null, and throws with the path when the
 * value is of another type. Keys that are not known are never looked at.
 */
export class JsonReader {
  readonly budget: Budget
  readonly #path: (string | number)[] = []

  constructor(budget: Budget) {
    this.budget = budget
  }

  /** Calls `read` with each object of the list `key`. */
  each(object: JsonObject, key: string, read: (element: JsonObject, index: number) => void): void {
    const list = this.list(object, key)
    for (let index = 0; index < list.length; index++) {
      this.#path.push(key, index)
      read(this.object(list[index]), index)
      this.#path.length -= 2
    }
  }

  /** Calls `read` with the object `key`; answers undefined when there is none. */
  inside<T>(object: JsonObject, key: string, read: (inner: JsonObject) => T): T | undefined {
    const value = object[key]
    if (value === undefined || value === null) return undefined
    this.#path.push(key)
    const answer = read(this.object(value))
    this.#path.length -= 1
    return answer
  }

  object(value: unknown): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.wrong(undefined, 'an object')
    return value as JsonObject
  }

  list(object: JsonObject, key: string): readonly unknown[] {
    const value = object[key] ?? []
    if (!Array.isArray(value)) throw this.wrong(key, 'a list')
    return value
  }

  text(object: JsonObject, key: string): string {
    const value = object[key] ?? ''
    if (typeof value !== 'string') throw this.wrong(key, 'a string')
    // Protobuf carries UTF-8, which has no lone surrogates; JSON escapes can spell them.
    return value.toWellFormed()
  }

  bool(object: JsonObject, key: string): boolean {
    const value = object[key] ?? false
    if (typeof value !== 'boolean') throw this.wrong(key, 'true or false')
    return value
  }

  /** A number, or a string that holds one, `NaN`, `Infinity` or `-Infinity`. */
  double(object: JsonObject, key: string): number {
    const value = object[key] ?? 0
    if (typeof value === 'number') return value
    if (typeof value === 'string') {
      if (value === 'NaN') return Number.NaN
      const number = value.trim() === '' ? Number.NaN : Number(value)
      if (!Number.isNaN(number)) return number
    }
    throw this.wrong(key, 'a number')
  }

  int64(object: JsonObject, key: string): bigint {
    return this.#integer(object, key, -(2n ** 63n), 2n ** 63n - 1n)
  }

  uint64(object: JsonObject, key: string): bigint {
    return this.#integer(object, key, 0n, 2n ** 64n - 1n)
  }

  uint32(object: JsonObject, key: string): number {
    return Number(this.#integer(object, key, 0n, 2n ** 32n - 1n))
  }

  int32(object: JsonObject, key: string): number {
    return Number(this.#integer(object, key, -(2n ** 31n), 2n ** 31n - 1n))
  }

  /** The number of an enum; names are tolerated: `names[i]` is the name of the number i, without `prefix`. */
  enumeration(object: JsonObject, key: string, prefix: string, names: readonly string[]): number {
    const value = object[key]
    if (typeof value !== 'string') return this.int32(object, key)
    const number = value.startsWith(prefix) ? names.indexOf(value.slice(prefix.length)) : -1
    if (number < 0) throw this.wrong(key, `a number or a name that begins with ${prefix}`)
    return number
  }

  /** Lower-case hexadecimal digits; the empty string for an ID that is empty or all zero, which is no ID. */
  id(object: JsonObject, key: string, length: 8 | 16): string {
    const id = this.text(object, key)
    if (id === '') return id
    if (id.length !== length * 2 || !/^[0-9a-f]+$/i.test(id)) {
      throw new OtlpError('TL_OTLP_ID', `${this.#where(key)}: expected ${length * 2} hexadecimal digits`)
    }
    return /^0+$/.test(id) ? '' : id.toLowerCase()
  }

  /** Base64, of the usual or of the URL-safe alphabet, padded or not. */
  bytes(object: JsonObject, key: string): Uint8Array {
    const text = this.text(object, key)
    if (!/^[\w+/-]*={0,2}$/.test(text)) throw this.wrong(key, 'base64')
    return new Uint8Array(Buffer.from(text, 'base64'))
  }

  /** Each element of the list `key`, read by one of the methods above. */
  numbers(
    object: JsonObject,
    key: string,
    readOne: (list: JsonObject, index: string) => number | bigint,
  ): number[] {
    const list = this.list(object, key)
    this.#path.push(key)
    const numbers = list.map((_, index) => Number(readOne(list as unknown as JsonObject, String(index))))
    this.#path.length -= 1
    return numbers
  }

  wrong(key: string | undefined, expected: string): OtlpError {
    return new OtlpError('TL_OTLP_MALFORMED', `${this.#where(key)}: expected ${expected}`)
  }

  #integer(object: JsonObject, key: string, least: bigint, most: bigint): bigint {
    const value = object[key]
    if (value === undefined || value === null) return 0n
    let integer: bigint | undefined
    if (typeof value === 'number' && Number.isInteger(value)) integer = BigInt(value)
    // 20 digits hold 2^64; BigInt of a longer string would take time that grows with its square.
    else if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) integer = BigInt(value)
    if (integer === undefined || integer < least || integer > most) {
      throw this.wrong(key, `an integer from ${least} to ${most}`)
    }
    return integer
  }

  #where(key: string | undefined): string {
    const steps = key === undefined ? this.#path : [...this.#path, key]
    return (
      steps
        .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
        .join('')
        .slice(1) || 'the body'
    )
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPENING_BRACKET = 0x5b
const OPENING_BRACE = 0x7b

/**
 * Parses a body after counting what it would become: `JSON.parse` makes an object of 3 bytes such as `{},`, some twenty
 * times their size, and cannot be stopped.
 */
export function parseJson(body: Uint8Array, budget: Budget): unknown {
  const most = budget.limits.maxItems * 4
  let marks = 0
  let quoted = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (byte === QUOTE) quoted = !quoted
    else if (quoted) {
      if (byte === BACKSLASH) at++
    } else if (byte === COMMA || byte === OPENING_BRACKET || byte === OPENING_BRACE) marks++
  }
  if (marks > most) budget.item(Number.POSITIVE_INFINITY)
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
  } catch (error) {
    // The parser's own message quotes the body, which may hold personal data.
    const position = /position \d+/.exec(String(error))
    throw new OtlpError('TL_OTLP_MALFORMED', `the body is not JSON${position ? ` (${position[0]})` : ''}`)
  }
}
