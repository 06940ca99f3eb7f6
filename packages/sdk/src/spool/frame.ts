import { crc32 } from 'node:zlib'

/** length, CRC-32 of the payload: two little-endian 32-bit numbers before each payload. */
export const FRAME_HEADER_BYTES = 8

/** One span is at most this large; a torn length is recognised by it before anything is allocated. */
export const MAX_FRAME_BYTES = 4 * 2 ** 20

/** Writes header and payload into one buffer: one `write` call a record, so that no other write can come between. */
export function frame(payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.byteLength)
  bytes.writeUInt32LE(payload.byteLength, 0)
  bytes.writeUInt32LE(crc32(payload), 4)
  bytes.set(payload, FRAME_HEADER_BYTES)
  return bytes
}

export interface Frames {
  readonly payloads: Uint8Array[]
  /** Bytes of whole frames read. */
  readonly bytes: number
  /** Whether what follows is no frame: a write that was cut by the end of its process, or damage. */
  readonly torn: boolean
}

/** Whole frames at the start of `bytes`, until `maxBytes` of payload (at least one frame) or the first one that is not whole. */
export function readFrames(bytes: Buffer, maxBytes: number): Frames {
  const payloads: Uint8Array[] = []
  let at = 0
  let taken = 0
  while (at + FRAME_HEADER_BYTES <= bytes.byteLength) {
    const length = bytes.readUInt32LE(at)
    if (length === 0 || length > MAX_FRAME_BYTES) return { payloads, bytes: at, torn: true }
    const end = at + FRAME_HEADER_BYTES + length
    if (end > bytes.byteLength) break
    if (payloads.length > 0 && taken + length > maxBytes) break
    const payload = bytes.subarray(at + FRAME_HEADER_BYTES, end)
    if (crc32(payload) !== bytes.readUInt32LE(at + 4)) return { payloads, bytes: at, torn: true }
    payloads.push(payload)
    taken += length
    at = end
  }
  return { payloads, bytes: at, torn: false }
}
