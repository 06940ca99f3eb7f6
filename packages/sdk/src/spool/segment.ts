import { closeSync, fdatasync, fstatSync, openSync, readSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { FRAME_HEADER_BYTES, frame, MAX_FRAME_BYTES, readFrames } from './frame.js'
import { ACKNOWLEDGED_AT, encodeHeader, type Header, readHeader } from './header.js'

/** Payloads to send with their numbers, and the stretch of the segment that they take. */
export interface Batch {
  readonly payloads: Uint8Array[]
  readonly seqs: number[]
  readonly start: number
  readonly end: number
}

/**
 * A run of records of one instance: on disk, or in memory where the disk cannot be used. Two positions move through it: what was taken
 * by the receiver, and behind it what is acknowledged, that is, safe where it shall be. Without somebody who confirms they are one.
 */
export interface Segment {
  readonly instance: string
  /** The encoded OTLP Resource that its records belong to. */
  readonly resource: Uint8Array
  /** Bytes it takes: of a file all that were appended, of memory those not yet acknowledged. */
  readonly size: number
  /** Whether everything appended is acknowledged. */
  readonly done: boolean
  /** Whether something appended was not taken yet. */
  readonly readable: boolean
  /** Where the last appended record ends; the positions move towards it. */
  readonly end: number
  readonly acknowledged: number
  /** Closed or removed: nothing moves any more. */
  readonly closed: boolean
  append(payload: Uint8Array, seq: number): void
  /** The next payloads after what was taken; undefined when there are none now. */
  next(maxBytes: number): Batch | undefined
  /** The receiver has them; they stay until they are acknowledged. False if the reader was set back meanwhile, and they will come again. */
  take(batch: Batch): boolean
  acknowledge(end: number): void
  /** What was taken and not acknowledged comes again. */
  rewind(): void
  /** Records that are not acknowledged; reads through them. */
  count(): number
  /** Brings what was written to the disk itself. */
  sync(done: (error: Error | null) => void): void
  /** Frees it. */
  remove(): void
  /** Leaves it as it is, for whoever comes next. */
  close(): void
}

export interface FileSegment extends Segment {
  /** Appends frames that are already made, in one write. */
  appendFrames(bytes: Buffer): void
}

/** A new segment file, readable by its owner alone. */
export function createSegment(path: string, instance: string, resource: Uint8Array): FileSegment {
  const fd = openSync(path, 'wx+', 0o600)
  const header = encodeHeader(instance, resource)
  try {
    writeWhole(fd, header, header.byteLength, 0)
  } catch (error) {
    closeSync(fd)
    rmSync(path, { force: true })
    throw error
  }
  const { byteLength: start } = header
  return fileSegment(path, fd, { instance, resource, acknowledged: start, start }, start)
}

/** A segment that another process left, or why it is none. With `'r'` it is only looked at. */
export function openSegment(
  path: string,
  onDamage: (bytes: number) => void,
  flags: 'r' | 'r+' = 'r+',
): Segment | 'cut' | 'damaged' {
  const fd = openSync(path, flags)
  const header = readHeader(fd)
  if (typeof header !== 'string') return fileSegment(path, fd, header, fstatSync(fd).size, onDamage)
  closeSync(fd)
  return header
}

/**
 * Reading goes through the file as well: what was just written is in the page cache, one read brings 1 MiB of it, and memory stays
 * bounded however far the reader is behind.
 */
function fileSegment(
  path: string,
  fd: number,
  { instance, resource, acknowledged }: Header,
  size: number,
  onDamage: (bytes: number) => void = () => {},
): FileSegment {
  let ack = acknowledged
  let taken = acknowledged
  let end = size
  let closed = false
  const position = Buffer.alloc(8)

  function framesFrom(at: number, maxBytes: number) {
    const frames = readFrames(read(fd, at, Math.min(end - at, maxBytes + FRAME_HEADER_BYTES)), maxBytes)
    if (frames.payloads.length > 0 || frames.torn) return frames
    return readFrames(read(fd, at, Math.min(end - at, MAX_FRAME_BYTES + FRAME_HEADER_BYTES)), maxBytes)
  }

  // A number that was closed belongs to another file soon after.
  function closeOnce(): void {
    if (closed) return
    closed = true
    closeSync(fd)
  }

  return {
    instance,
    resource,
    get size() {
      return end
    },
    get done() {
      return ack >= end
    },
    get readable() {
      return taken < end && !closed
    },
    get end() {
      return end
    },
    get acknowledged() {
      return ack
    },
    get closed() {
      return closed
    },
    append(payload, seq) {
      if (closed) throw new Error('the segment is closed')
      // What a short write (disk full) leaves at `end` is no whole frame, and is passed over by readers.
      const length = FRAME_HEADER_BYTES + payload.byteLength
      writeWhole(fd, frame(payload, seq), length, end)
      end += length
    },
    appendFrames(bytes) {
      if (closed) throw new Error('the segment is closed')
      writeWhole(fd, bytes, bytes.byteLength, end)
      end += bytes.byteLength
    },
    next(maxBytes) {
      if (taken >= end || closed) return undefined
      const { payloads, seqs, bytes, torn } = framesFrom(taken, maxBytes)
      if (payloads.length > 0) return { payloads, seqs, start: taken, end: taken + bytes }
      // A frame that is only begun was cut by the end of its process, before its caller saw the call complete. Anything else is damage.
      if (torn) onDamage(end - taken)
      end = taken
      return undefined
    },
    take(batch) {
      if (batch.start !== taken) return false
      taken = batch.end
      return true
    },
    acknowledge(upTo) {
      if (closed) return
      ack = upTo
      taken = Math.max(taken, ack)
      position.writeBigUInt64LE(BigInt(upTo))
      writeSync(fd, position, 0, 8, ACKNOWLEDGED_AT)
    },
    rewind() {
      taken = ack
    },
    count() {
      let records = 0
      for (let at = ack; at < end && !closed; ) {
        const frames = framesFrom(at, 2 ** 20)
        if (frames.payloads.length === 0) break
        records += frames.payloads.length
        at += frames.bytes
      }
      return records
    },
    sync(done) {
      if (closed) done(null)
      else fdatasync(fd, done)
    },
    remove() {
      closeOnce()
      // Gone already (a cleaner of temporary files) is as good.
      rmSync(path, { force: true })
      try {
        // The folder of an adopted instance goes with its last segment; our own holds the owner's socket and stays.
        rmdirSync(dirname(path))
      } catch {
        // Not empty yet.
      }
    },
    close: closeOnce,
  }
}

/** @throws when the disk takes only a part, as a full one does before it refuses. */
function writeWhole(fd: number, bytes: Uint8Array, length: number, at: number): void {
  const written = writeSync(fd, bytes, 0, length, at)
  if (written !== length) throw new Error(`only ${written} of ${length} bytes written`)
}

function read(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at))
}
