import { isAscii } from 'node:buffer'
import { OtlpError } from './errors.js'
import type { Budget } from './limits.js'

/** A message that is read: its name for errors, and a bit for each field number that is known. */
export interface Shape {
  name: string
  fields: number
}

export function shape(name: string, ...fields: number[]): Shape {
  return { name, fields: fields.reduce((bits, field) => bits | (1 << field), 0) }
}

// Texts of ASCII alone, so that a character equals its byte. 512 slots of at most 64 characters: 40 KB when full.
const FAMILIAR_LENGTH = 64
const familiar: string[] = new Array(512).fill('')

const WIRE_TYPES = ['varint', 'fixed64', 'length-delimited', 'group start', 'group end', 'fixed32']

/**
 * Reads protobuf from an untrusted body. The window `[at, end)` is the message being read: nothing behind its end is
 * ever read, and no length is believed before it is compared with what is left of the window.
 */
export class Reader {
  readonly budget: Budget
  readonly #bytes: Buffer
  readonly #view: DataView
  #at = 0
  #end: number
  // The two halves of the last varint: bitwise operations know only 32 bits.
  #low = 0
  #high = 0

  constructor(body: Uint8Array, budget: Budget) {
    this.budget = budget
    this.#bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    this.#view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    this.#end = body.byteLength
  }

  /** Narrows the window to the message that begins here; hand the answer to `leave`. */
  enter(): number {
    const length = this.#length()
    const outer = this.#end
    this.#end = this.#at + length
    return outer
  }

  leave(outer: number): void {
    this.#end = outer
  }

  /** The tag of the next field (field number times 8 plus wire type), 0 at the end of the message. */
  tag(): number {
    if (this.#at === this.#end) return 0
    const start = this.#at
    this.#varint()
    if (this.#high !== 0 || this.#low < 8) throw this.malformed('a field number out of range', start)
    return this.#low
  }

  more(): boolean {
    return this.#at < this.#end
  }

  bool(): boolean {
    this.#varint()
    return (this.#low | this.#high) !== 0
  }

  uint32(): number {
    this.#varint()
    return this.#low
  }

  sint32(): number {
    this.#varint()
    return (this.#low >>> 1) ^ -(this.#low & 1)
  }

  /** Rounded beyond 2^53. */
  uint64(): number {
    this.#varint()
    return this.#high * 4_294_967_296 + this.#low
  }

  int64(): number | bigint {
    this.#varint()
    const value = (this.#high | 0) * 4_294_967_296 + this.#low
    if (Number.isSafeInteger(value)) return value
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low))
  }

  fixed32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  fixed64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true)
  }

  sfixed64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true)
  }

  /** A fixed64 as a number, rounded beyond 2^53. */
  count(): number {
    const at = this.#take(8)
    return this.#view.getUint32(at + 4, true) * 4_294_967_296 + this.#view.getUint32(at, true)
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), true)
  }

  /** Bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    return this.#utf8(this.#length())
  }

  /**
   * A text that comes again and again, such as a key: the string of the last time is given out if its characters are
   * the same. It saves a call into native code and, for a key, the lookup of its one copy.
   */
  familiarText(): string {
    const length = this.#length()
    const start = this.#at
    if (length === 0 || length > FAMILIAR_LENGTH) return this.#utf8(length)
    const bytes = this.#bytes
    const first = bytes[start] ?? 0
    const middle = bytes[start + (length >> 1)] ?? 0
    const last = bytes[start + length - 1] ?? 0
    const slot = (length * 31 + first * 7 + middle * 17 + last * 5) & (familiar.length - 1)
    const known = familiar[slot] ?? ''
    if (known.length === length) {
      let same = 0
      while (same < length && known.charCodeAt(same) === bytes[start + same]) same++
      if (same === length) {
        this.#at = start + length
        return known
      }
    }
    const text = this.#utf8(length)
    if (isAscii(bytes.subarray(start, start + length))) familiar[slot] = text
    return text
  }

  /** A copy, so that a kept value does not keep the body. */
  bytes(): Uint8Array {
    const length = this.#length()
    const start = this.#take(length)
    return new Uint8Array(this.#bytes.subarray(start, start + length))
  }

  /** Hexadecimal digits of an ID of `length` bytes; the empty string for one that is empty or all zero, which is no ID. */
  id(length: 8 | 16): string {
    const found = this.#length()
    const start = this.#take(found)
    if (found !== length && found !== 0) {
      const what = length === 16 ? 'trace' : 'span'
      throw new OtlpError('TL_OTLP_ID', `a ${what} ID is ${length} bytes, not ${found} (byte ${start})`)
    }
    for (let at = start; at < start + found; at++) {
      if (this.#bytes[at] !== 0) return this.#bytes.toString('hex', start, start + found)
    }
    return ''
  }

  /** Passes over a field that is not known, and refuses a known one that came with another wire type than its own. */
  skip(tag: number, { name, fields }: Shape): void {
    const field = tag >>> 3
    const wireType = tag & 7
    if (field < 32 && (fields >>> field) & 1) {
      throw this.malformed(`field ${field} of ${name} with the wire type ${WIRE_TYPES[wireType] ?? wireType}`)
    }
    if (wireType === 0) this.#varint()
    else if (wireType === 1) this.#take(8)
    else if (wireType === 2) this.#take(this.#length())
    else if (wireType === 5) this.#take(4)
    // OTLP has no groups; not following them is one recursion less.
    else throw this.malformed(`the wire type ${WIRE_TYPES[wireType] ?? wireType} in ${name}`)
  }

  malformed(what: string, at: number = this.#at): OtlpError {
    return new OtlpError('TL_OTLP_MALFORMED', `${what} (byte ${at})`)
  }

  #utf8(length: number): string {
    const start = this.#take(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  #take(length: number): number {
    const start = this.#at
    if (length > this.#end - start) throw this.malformed('the message ends inside a field', start)
    this.#at = start + length
    return start
  }

  #length(): number {
    const start = this.#at
    this.#varint()
    if (this.#high !== 0 || this.#low > this.#end - this.#at) {
      throw this.malformed('a length beyond the end of its message', start)
    }
    return this.#low
  }

  #varint(): void {
    const start = this.#at
    if (start < this.#end) {
      const first = this.#bytes[start] ?? 0
      if (first < 128) {
        this.#at = start + 1
        this.#low = first
        this.#high = 0
        return
      }
    }
    this.#longVarint()
  }

  #longVarint(): void {
    const start = this.#at
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) throw this.malformed('the message ends inside a varint', start)
      const byte = this.#bytes[this.#at++] ?? 0
      const bits = byte & 127
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else if (shift < 63) high |= bits << (shift - 32)
      // The tenth byte holds bit 63 alone.
      else high |= (bits & 1) << 31
      if (byte < 128) {
        this.#low = low >>> 0
        this.#high = high >>> 0
        return
      }
    }
    throw this.malformed('a varint of more than 10 bytes', start)
  }
}
