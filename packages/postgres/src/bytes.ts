/** Below this a loop over the characters is faster than a call into C++. */
const shortText = 48

const digitOf = new Uint8Array(128)
for (let n = 0; n < 16; n += 1) digitOf[n.toString(16).charCodeAt(0)] = n

/** A buffer that grows, with the big-endian numbers of Postgres's binary formats. One per batch: never reused, since
 * a socket may still hold the last one. */
export class Bytes {
  #buffer: Buffer
  #view: DataView
  #length = 0

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafeSlow(size)
    this.#view = viewOf(this.#buffer)
  }

  get length(): number {
    return this.#length
  }

  /** Makes room for `size` more bytes; every write below expects that its caller did. */
  reserve(size: number): void {
    const needed = this.#length + size
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
    this.#view = viewOf(grown)
  }

  int8(value: number): void {
    this.#buffer[this.#length] = value
    this.#length += 1
  }

  int16(value: number): void {
    this.#view.setInt16(this.#length, value)
    this.#length += 2
  }

  int32(value: number): void {
    this.#view.setInt32(this.#length, value)
    this.#length += 4
  }

  int64(value: bigint): void {
    this.#view.setBigInt64(this.#length, value)
    this.#length += 8
  }

  /** Pairs of lower-case hexadecimal digits; dashes between pairs are left out, as in the text of a UUID. */
  hex(digits: string): void {
    const buffer = this.#buffer
    let at = this.#length
    for (let n = 0; n < digits.length; n += 2) {
      let high = digits.charCodeAt(n)
      if (high === 45) {
        n += 1
        high = digits.charCodeAt(n)
      }
      buffer[at] = (digitOf[high]! << 4) | digitOf[digits.charCodeAt(n + 1)]!
      at += 1
    }
    this.#length = at
  }

  /** Length and UTF-8; `version` is the byte that precedes the text of a jsonb. */
  text(value: string, version?: number): void {
    this.reserve(5 + value.length * 3)
    const start = this.#length
    this.#length += 4
    if (version !== undefined) this.int8(version)
    if (!this.#ascii(value)) this.#length += this.#buffer.write(value, this.#length, 'utf8')
    this.#view.setInt32(start, this.#length - start - 4)
  }

  #ascii(value: string): boolean {
    const { length } = value
    if (length > shortText) return false
    const buffer = this.#buffer
    const at = this.#length
    for (let n = 0; n < length; n += 1) {
      const code = value.charCodeAt(n)
      if (code > 127) return false
      buffer[at + n] = code
    }
    this.#length = at + length
    return true
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  take(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }
}

const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
