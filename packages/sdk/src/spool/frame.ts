import { crc32 } from 'node:zlib'

/** Before each payload: its length u32, its checksum u32, the record's number u64; little-endian. */
export const FRAME_HEADER_BYTES = 16

/** One span is at most this large; a torn length is recognised by it before anything is allocated. */
export const MAX_FRAME_BYTES = 4 * 2 ** 20

const LENGTH_AT = 0
const CHECKSUM_AT = 4
const NUMBER_AT = 8
const TWO_32 = 2 ** 32

/** 64 KiB: a hundred times a usual record. A buffer made anew for each append would cost a tenth of it. */
const reused = Buffer.allocUnsafeSlow(65_536)

/**
 * Writes header and payload into one buffer: one `write` call a record, so that no other write can come between. The frame is its first
 * `FRAME_HEADER_BYTES + payload.byteLength` bytes, and valid until the next call.
 */
export function frame(payload: Uint8Array, seq: number): Buffer {
  const length = FRAME_HEADER_BYTES + payload.byteLength
  const bytes = length <= reused.byteLength ? reused : Buffer.allocUnsafe(length)
  putFrame(bytes, 0, payload, seq)
  return bytes
}

/** Puts a frame at `at`; returns where it ends. */
export function putFrame(bytes: Buffer, at: number, payload: Uint8Array, seq: number): number {
  bytes.writeUInt32LE(payload.byteLength, at + LENGTH_AT)
  bytes.writeUInt32LE(checksum(payload, seq), at + CHECKSUM_AT)
  bytes.writeUInt32LE(seq % TWO_32, at + NUMBER_AT)
  bytes.writeUInt32LE(Math.floor(seq / TWO_32), at + NUMBER_AT + 4)
  bytes.set(payload, at + FRAME_HEADER_BYTES)
  return at + FRAME_HEADER_BYTES + payload.byteLength
}

/** CRC-32 of the payload that begins with the number: a payload under another number is damage as well. */
function checksum(payload: Uint8Array, seq: number): number {
  return crc32(payload, seq % TWO_32)
}

export interface Frames {
  readonly payloads: Uint8Array[]
  /** The number of each. */
  readonly seqs: number[]
  /** Bytes of whole frames read. */
  readonly bytes: number
  /** Whether what follows is no frame: a write that was cut by the end of its process, or damage. */
  readonly torn: boolean
}

/** Whole frames at the start of `bytes`, until `maxBytes` of payload (at least one frame) or the first one that is not whole. */
export function readFrames(bytes: Buffer, maxBytes: number): Frames {
  const payloads: Uint8Array[] = []
  const seqs: number[] = []
  let at = 0
  let taken = 0
  while (at + FRAME_HEADER_BYTES <= bytes.byteLength) {
    const length = bytes.readUInt32LE(at + LENGTH_AT)
    if (length === 0 || length > MAX_FRAME_BYTES) return { payloads, seqs, bytes: at, torn: true }
    const end = at + FRAME_HEADER_BYTES + length
    if (end > bytes.byteLength) break
    if (payloads.length > 0 && taken + length > maxBytes) break
    const payload = bytes.subarray(at + FRAME_HEADER_BYTES, end)
    const seq = bytes.readUInt32LE(at + NUMBER_AT) + bytes.readUInt32LE(at + NUMBER_AT + 4) * TWO_32
    if (checksum(payload, seq) !== bytes.readUInt32LE(at + CHECKSUM_AT))
      return { payloads, seqs, bytes: at, torn: true }
    payloads.push(payload)
    seqs.push(seq)
    taken += length
    at = end
  }
  return { payloads, seqs, bytes: at, torn: false }
}
