import { closeSync, fstatSync, openSync, readSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { FRAME_HEADER_BYTES, frame, MAX_FRAME_BYTES, readFrames } from './frame.js'

/** Payloads to send, and where the reader stands once they are acknowledged. */
export interface Batch {
  readonly payloads: Uint8Array[]
  readonly end: number
}

/** A run of records of one instance: on disk, or in memory where the disk cannot be used. */
export interface Segment {
  /** The encoded OTLP Resource that its records belong to. */
  readonly resource: Uint8Array
  /** Bytes it takes: of a file all that were appended, of memory those not yet acknowledged. */
  readonly size: number
  /** Whether everything appended is acknowledged. */
  readonly done: boolean
  /** Where the last appended record ends; `acknowledge` moves towards it. */
  readonly end: number
  readonly acknowledged: number
  append(payload: Uint8Array): void
  /** The next payloads after what is acknowledged; undefined when there are none now. */
  next(maxBytes: number): Batch | undefined
  acknowledge(end: number): void
  /** Frees it. Called when it is done and no more will be appended. */
  remove(): void
  /** Leaves it as it is, for whoever comes next. */
  close(): void
}

const MAGIC = 0x31534c54 // 'TLS1'
/** magic u32, resource length u32, acknowledged offset u64, then the resource; frames follow. */
const FIXED_HEADER_BYTES = 16
const ACKNOWLEDGED_AT = 8

/** A new segment file, readable by its owner alone. */
export function createSegment(path: string, resource: Uint8Array): Segment {
  const fd = openSync(path, 'wx+', 0o600)
  const header = Buffer.alloc(FIXED_HEADER_BYTES + resource.byteLength)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt32LE(resource.byteLength, 4)
  header.writeBigUInt64LE(BigInt(header.byteLength), ACKNOWLEDGED_AT)
  header.set(resource, FIXED_HEADER_BYTES)
  writeSync(fd, header, 0, header.byteLength, 0)
  return fileSegment(path, fd, resource, header.byteLength, header.byteLength)
}

/** A segment that another process left. Undefined if the file is none: it was cut in its header, before any record. */
export function openSegment(path: string, onDamage: (bytes: number) => void): Segment | undefined {
  const fd = openSync(path, 'r+')
  const size = fstatSync(fd).size
  const fixed = Buffer.alloc(FIXED_HEADER_BYTES)
  const whole = readSync(fd, fixed, 0, FIXED_HEADER_BYTES, 0) === FIXED_HEADER_BYTES
  const resourceBytes = fixed.readUInt32LE(4)
  const start = FIXED_HEADER_BYTES + resourceBytes
  if (!whole || fixed.readUInt32LE(0) !== MAGIC || start > size) {
    closeSync(fd)
    return undefined
  }
  const resource = Buffer.alloc(resourceBytes)
  readSync(fd, resource, 0, resourceBytes, FIXED_HEADER_BYTES)
  const acknowledged = Number(fixed.readBigUInt64LE(ACKNOWLEDGED_AT))
  return fileSegment(path, fd, resource, Math.min(Math.max(acknowledged, start), size), size, onDamage)
}

/**
 * Reading goes through the file as well: what was just written is in the page cache, one read brings 1 MiB of it, and memory stays
 * bounded however far the reader is behind.
 */
function fileSegment(
  path: string,
  fd: number,
  resource: Uint8Array,
  acknowledged: number,
  size: number,
  onDamage: (bytes: number) => void = () => {},
): Segment {
  let ack = acknowledged
  let end = size
  const position = Buffer.alloc(8)
  return {
    resource,
    get size() {
      return end
    },
    get done() {
      return ack >= end
    },
    get end() {
      return end
    },
    get acknowledged() {
      return ack
    },
    append(payload) {
      const bytes = frame(payload)
      const written = writeSync(fd, bytes, 0, bytes.byteLength, end)
      // A short write (disk full) leaves a torn frame at `end`; the next append writes over it.
      if (written !== bytes.byteLength)
        throw new Error(`only ${written} of ${bytes.byteLength} bytes written`)
      end += written
    },
    next(maxBytes) {
      if (ack >= end) return undefined
      let frames = readFrames(read(fd, ack, Math.min(end - ack, maxBytes + FRAME_HEADER_BYTES)), maxBytes)
      if (frames.payloads.length === 0 && !frames.torn) {
        frames = readFrames(
          read(fd, ack, Math.min(end - ack, MAX_FRAME_BYTES + FRAME_HEADER_BYTES)),
          maxBytes,
        )
      }
      if (frames.payloads.length === 0) {
        // A frame that is only begun was cut by the end of its process, before its caller saw the call complete. Anything else is damage.
        if (frames.torn) onDamage(end - ack)
        end = ack
      }
      return frames.payloads.length === 0 ? undefined : { payloads: frames.payloads, end: ack + frames.bytes }
    },
    acknowledge(upTo) {
      ack = upTo
      position.writeBigUInt64LE(BigInt(upTo))
      writeSync(fd, position, 0, 8, ACKNOWLEDGED_AT)
    },
    remove() {
      closeSync(fd)
      // Gone already (a cleaner of temporary files) is as good.
      rmSync(path, { force: true })
      try {
        // The folder of an adopted instance goes with its last segment; our own holds the owner's socket and stays.
        rmdirSync(dirname(path))
      } catch {
        // Not empty yet.
      }
    },
    close() {
      closeSync(fd)
    },
  }
}

function read(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at))
}

/** Records that could not be written, or need not be: bounded by the caller through `size`. */
export function memorySegment(resource: Uint8Array): Segment {
  let payloads: Uint8Array[] = []
  let ack = 0
  let end = 0
  return {
    resource,
    get size() {
      return end - ack
    },
    get done() {
      return payloads.length === 0
    },
    get end() {
      return end
    },
    get acknowledged() {
      return ack
    },
    append(payload) {
      payloads.push(payload)
      end += payload.byteLength
    },
    next(maxBytes) {
      if (payloads.length === 0) return undefined
      let bytes = 0
      let count = 0
      while (count < payloads.length && (count === 0 || bytes + payloads[count]!.byteLength <= maxBytes)) {
        bytes += payloads[count]!.byteLength
        count += 1
      }
      return { payloads: payloads.slice(0, count), end: ack + bytes }
    },
    acknowledge(upTo) {
      while (payloads.length > 0 && ack + payloads[0]!.byteLength <= upTo) ack += payloads.shift()!.byteLength
    },
    remove() {
      payloads = []
    },
    close() {},
  }
}
