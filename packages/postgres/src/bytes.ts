/** A buffer that grows, with the big-endian numbers of Postgres's binary formats. One per batch: never reused, since
 * a socket may still hold the last one. */
export class Bytes {
  #buffer: Buffer
  #length = 0

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafeSlow(size)
  }

  /** Makes room for `size` more bytes; every write below expects that its caller did. */
  reserve(size: number): void {
    const needed = this.#length + size
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }

  int8(value: number): void {
    this.#length = this.#buffer.writeInt8(value, this.#length)
  }

  int16(value: number): void {
    this.#length = this.#buffer.writeInt16BE(value, this.#length)
  }

  int32(value: number): void {
    this.#length = this.#buffer.writeInt32BE(value, this.#length)
  }

  int64(value: bigint): void {
    this.#length = this.#buffer.writeBigInt64BE(value, this.#length)
  }

  hex(digits: string): void {
    this.#length += this.#buffer.write(digits, this.#length, 'hex')
  }

  /** Length and UTF-8; `version` is the byte that precedes the text of a jsonb. */
  text(value: string, version?: number): void {
    this.reserve(5 + value.length * 3)
    const start = this.#length
    this.#length += 4
    if (version !== undefined) this.int8(version)
    this.#length += this.#buffer.write(value, this.#length, 'utf8')
    this.#buffer.writeInt32BE(this.#length - start - 4, start)
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
