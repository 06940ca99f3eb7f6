import { markAsUntransferable } from 'node:worker_threads'
import { OtlpError } from './errors.js'

// 16 KiB: some 40 spans of 300 to 600 bytes. An ArrayBuffer for each span would cost as much as writing the span
// (measured: 0.5 µs of 1.6); a larger slab would be held longer by a span that waits in a queue.
const SLAB_BYTES = 16_384
// Below this a loop over the characters beats the call into native code.
const SHORT_STRING = 24

const NIBBLE = new Int8Array(128).fill(-1)
for (let i = 0; i < 16; i++) {
  NIBBLE[i.toString(16).charCodeAt(0)] = i
  NIBBLE[i.toString(16).toUpperCase().charCodeAt(0)] = i
}

/**
 * Writes protobuf messages one after another into a slab of memory. `finish` gives the message out as a view and the
 * next message begins behind it: bytes that were given out are never written again. A message that does not fit moves
 * to the start of a new slab; the old one lives as long as its views.
 *
 * Methods that end in `Field` write the tag too; a tag is one byte.
 */
export class Writer {
  #bytes!: Buffer
  #view!: DataView
  #start = 0
  #at = 0
  /** The arrays and objects that are being written, outermost first: finds cycles. */
  readonly open: object[] = []

  constructor() {
    this.#newSlab(SLAB_BYTES)
  }

  finish(): Uint8Array {
    const message = new Uint8Array(this.#bytes.buffer, this.#start, this.#at - this.#start)
    this.#start = this.#at
    // A slab that was made for one giant message is not kept for the small ones after it.
    if (this.#bytes.length > SLAB_BYTES) this.#newSlab(SLAB_BYTES)
    return message
  }

  /** Forgets what was written since the last `finish`. */
  discard(): void {
    this.#at = this.#start
    this.open.length = 0
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
  }

  /** @param value an integer from 0 to 2^53 - 1 */
  varint(value: number): void {
    this.#reserve(10)
    this.#at = putVarint(this.#bytes, this.#at, value)
  }

  /** A negative number takes 10 bytes, as protobuf asks for int64. */
  int64(value: number | bigint): void {
    if (typeof value === 'number') {
      if (value >= 0) this.varint(value)
      else this.#varint64(value >>> 0, Math.floor(value / 4_294_967_296) >>> 0)
    } else {
      const bits = BigInt.asUintN(64, value)
      this.#varint64(Number(bits & 0xffff_ffffn), Number(bits >> 32n))
    }
  }

  /** A uint32 or an enum; zero is the default of protobuf and is left out. */
  uint32Field(tag: number, value: number | undefined): void {
    if (!value) return
    this.byte(tag)
    this.varint(value >>> 0)
  }

  sint32(value: number): void {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  fixed32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  fixed64(value: bigint): void {
    this.#reserve(8)
    this.#view.setBigUint64(this.#at, value, true)
    this.#at += 8
  }

  fixed64Field(tag: number, value: bigint): void {
    this.#reserve(9)
    this.#bytes[this.#at] = tag
    this.#view.setBigUint64(this.#at + 1, value, true)
    this.#at += 9
  }

  /** A count in a fixed64; without the bigint that `setBigUint64` would need. */
  fixed64Count(value: number): void {
    this.#reserve(8)
    this.#view.setUint32(this.#at, value >>> 0, true)
    this.#view.setUint32(this.#at + 4, Math.floor(value / 4_294_967_296), true)
    this.#at += 8
  }

  double(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  doubleField(tag: number, value: number | undefined): void {
    if (value === undefined) return
    this.byte(tag)
    this.double(value)
  }

  /** Length and UTF-8 bytes; a lone surrogate becomes U+FFFD. */
  text(value: string): void {
    const length = value.length
    // 5 bytes of length; a UTF-16 unit takes at most 3 bytes of UTF-8.
    this.#reserve(5 + length * 3)
    const bytes = this.#bytes
    const start = this.#at
    if (length <= SHORT_STRING) {
      let i = 0
      for (; i < length; i++) {
        const code = value.charCodeAt(i)
        if (code > 127) break
        bytes[start + 1 + i] = code
      }
      if (i === length) {
        bytes[start] = length
        this.#at = start + 1 + length
        return
      }
    }
    const guess = varintBytes(length)
    const written = bytes.write(value, start + guess)
    const prefix = varintBytes(written)
    if (prefix !== guess) bytes.copyWithin(start + prefix, start + guess, start + guess + written)
    putVarint(bytes, start, written)
    this.#at = start + prefix + written
  }

  textField(tag: number, value: string | undefined): void {
    if (!value) return
    this.byte(tag)
    this.text(value)
  }

  /**
   * A whole `KeyValue` whose key and value are short ASCII text, which nearly all are: lengths are known beforehand, so nothing is
   * patched. False, and nothing written, when it is not so.
   */
  shortText(tag: number, key: string, value: string): boolean {
    const { length } = value
    let at = this.#shortKey(tag, key, length + 2)
    if (at < 0) return false
    const bytes = this.#bytes
    bytes[at] = 0x0a
    bytes[at + 1] = length
    at += 2
    let seen = 0
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      seen |= code
      bytes[at++] = code
    }
    if (seen > 127) return false
    this.#at = at
    return true
  }

  /** The same for a short ASCII key and a value that is one varint under its field tag: an integer >= 0 or a boolean. */
  shortVarint(tag: number, key: string, field: number, value: number): boolean {
    const at = this.#shortKey(tag, key, varintBytes(value) + 1)
    if (at < 0) return false
    this.#bytes[at] = field
    this.#at = putVarint(this.#bytes, at + 1, value)
    return true
  }

  /** All of a short `KeyValue` up to its value of that many bytes, for which there is room; the place of the value, or -1. */
  #shortKey(tag: number, key: string, valueBytes: number): number {
    const { length } = key
    const size = length + valueBytes + 4
    if (size > 127 || length === 0) return -1
    this.#reserve(size + 2)
    const bytes = this.#bytes
    let at = this.#at
    bytes[at] = tag
    bytes[at + 1] = size
    bytes[at + 2] = 0x0a
    bytes[at + 3] = length
    at += 4
    let seen = 0
    for (let i = 0; i < length; i++) {
      const code = key.charCodeAt(i)
      seen |= code
      bytes[at++] = code
    }
    bytes[at] = 0x12
    bytes[at + 1] = valueBytes
    return seen > 127 ? -1 : at + 2
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  bytesField(tag: number, value: Uint8Array): void {
    this.byte(tag)
    this.varint(value.length)
    this.raw(value)
  }

  /** @throws OtlpError `TL_OTLP_ID` unless `id` is `length` bytes in hexadecimal */
  idField(tag: number, id: string, length: 8 | 16): void {
    if (id.length !== length * 2) throw badId(id, length)
    this.#reserve(2 + length)
    const bytes = this.#bytes
    let at = this.#at
    bytes[at++] = tag
    bytes[at++] = length
    let wrong = 0
    for (let i = 0; i < length * 2; i += 2) {
      const high = NIBBLE[id.charCodeAt(i)] ?? -1
      const low = NIBBLE[id.charCodeAt(i + 1)] ?? -1
      wrong |= high | low
      bytes[at++] = (high << 4) | low
    }
    if (wrong < 0) throw badId(id, length)
    this.#at = at
  }

  /**
   * Begins a message inside; hand the answer to `endMessage`. Most messages are under 128 bytes: 1 byte is kept free
   * for the length. The answer counts from the start of the outermost message, which may move to another slab.
   */
  beginMessage(tag: number): number {
    this.#reserve(2)
    this.#bytes[this.#at] = tag
    this.#at += 2
    return this.#at - this.#start
  }

  endMessage(begin: number): void {
    const length = this.#at - this.#start - begin
    if (length < 128) {
      this.#bytes[this.#start + begin - 1] = length
      return
    }
    const more = varintBytes(length) - 1
    this.#reserve(more)
    const start = this.#start + begin
    this.#bytes.copyWithin(start + more, start, this.#at)
    putVarint(this.#bytes, start - 1, length)
    this.#at += more
  }

  #varint64(low: number, high: number): void {
    this.#reserve(10)
    let at = this.#at
    while (high !== 0 || low > 127) {
      this.#bytes[at++] = (low & 127) | 128
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#bytes[at++] = low
    this.#at = at
  }

  #reserve(count: number): void {
    if (this.#at + count > this.#bytes.length) this.#move(count)
  }

  #move(count: number): void {
    const written = this.#bytes.subarray(this.#start, this.#at)
    this.#newSlab(Math.max(SLAB_BYTES, (written.length + count) * 2))
    this.#bytes.set(written)
    this.#at = written.length
  }

  #newSlab(size: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#view = new DataView(this.#bytes.buffer)
    this.#start = 0
    this.#at = 0
    // Whoever transferred the buffer of one message to a worker would take the slab from under the others.
    markAsUntransferable(this.#bytes.buffer)
  }
}

let idle: Writer | undefined = new Writer()

/**
 * Runs `write` on the one writer of this module and answers with what it wrote. A getter among the
 * attributes may end an operation, which encodes again inside: the inner call finds no idle writer and makes one.
 */
export function encodeWith<T>(write: (writer: Writer, message: T) => void, message: T): Uint8Array {
  const writer = idle ?? new Writer()
  idle = undefined
  try {
    write(writer, message)
    return writer.finish()
  } catch (error) {
    writer.discard()
    throw error
  } finally {
    idle = writer
  }
}

export function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Writes `value` (0 to 2^53 - 1) and answers with the position after it. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128
  for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128
  bytes[at++] = rest
  return at
}

function badId(id: string, length: number): OtlpError {
  const what = length === 16 ? 'trace' : 'span'
  return new OtlpError(
    'TL_OTLP_ID',
    `a ${what} ID is ${length * 2} hexadecimal digits, not ${JSON.stringify(id.slice(0, 40))}`,
  )
}
