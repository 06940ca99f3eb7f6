import { fstatSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'

const MAGIC = 0x32534c54 // 'TLS2'
/** magic u32, bytes of the whole header u32, acknowledged offset u64, CRC-32 of what follows u32, instance 16 bytes; then the resource. */
const FIXED_BYTES = 36
export const ACKNOWLEDGED_AT = 8
const CHECKSUM_AT = 16
const INSTANCE_AT = 20
/** A resource has a few hundred bytes; a longer header is damage. */
const LONGEST_BYTES = 2 ** 20

export interface Header {
  /** Whose records they are: a UUID. */
  readonly instance: string
  /** The encoded OTLP Resource that they belong to. */
  readonly resource: Uint8Array
  readonly acknowledged: number
  /** Where the first frame begins. */
  readonly start: number
}

export function encodeHeader(instance: string, resource: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FIXED_BYTES + resource.byteLength)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(bytes.byteLength, 4)
  bytes.writeBigUInt64LE(BigInt(bytes.byteLength), ACKNOWLEDGED_AT)
  bytes.write(instance.replaceAll('-', ''), INSTANCE_AT, 16, 'hex')
  bytes.set(resource, FIXED_BYTES)
  bytes.writeUInt32LE(crc32(bytes.subarray(INSTANCE_AT)), CHECKSUM_AT)
  return bytes
}

/** `cut`: the process ended before the header was whole, so there is no record in it. `damaged`: no segment, or none any more. */
export function readHeader(fd: number): Header | 'cut' | 'damaged' {
  const size = fstatSync(fd).size
  const fixed = Buffer.alloc(FIXED_BYTES)
  if (readSync(fd, fixed, 0, FIXED_BYTES, 0) < FIXED_BYTES) return 'cut'
  const start = fixed.readUInt32LE(4)
  if (fixed.readUInt32LE(0) !== MAGIC || start < FIXED_BYTES || start > LONGEST_BYTES) return 'damaged'
  if (size < start) return 'cut'
  const named = Buffer.alloc(start - INSTANCE_AT)
  readSync(fd, named, 0, named.byteLength, INSTANCE_AT)
  if (crc32(named) !== fixed.readUInt32LE(CHECKSUM_AT)) return 'damaged'
  return {
    instance: uuid(named.toString('hex', 0, 16)),
    resource: named.subarray(16),
    // Nonsense there sends everything again.
    acknowledged: Math.min(Math.max(Number(fixed.readBigUInt64LE(ACKNOWLEDGED_AT)), start), size),
    start,
  }
}

function uuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
