import { FRAME_HEADER_BYTES, putFrame } from './frame.js'
import { createSegment, type Segment } from './segment.js'

/** Records that could not be written, or need not be: bounded by the caller through `size`. */
export interface MemorySegment extends Segment {
  /**
   * Moves what is not acknowledged into a new file, and goes on there: whoever reads it or waits for it notices nothing.
   * @throws when the disk does not take it; then everything is as before.
   */
  persist(path: string): void
}

interface Kept {
  readonly payload: Uint8Array
  readonly seq: number
  readonly end: number
}

/** Positions count the bytes that frames would take in a file, so that they stay when it becomes one. */
export function memorySegment(instance: string, resource: Uint8Array): MemorySegment {
  let kept: Kept[] = []
  let ack = 0
  let taken = 0
  let end = 0
  let closed = false
  let file: Segment | undefined
  /** What a position here is more than the same position in the file. */
  let ahead = 0

  function firstAfter(position: number): number {
    const at = kept.findIndex((one) => one.end > position)
    return at === -1 ? kept.length : at
  }

  return {
    instance,
    resource,
    get size() {
      return file?.size ?? end - ack
    },
    get done() {
      return file?.done ?? ack >= end
    },
    get readable() {
      return file?.readable ?? (taken < end && !closed)
    },
    get end() {
      return file === undefined ? end : file.end + ahead
    },
    get acknowledged() {
      return file === undefined ? ack : file.acknowledged + ahead
    },
    get closed() {
      return file?.closed ?? closed
    },
    append(payload, seq) {
      if (file !== undefined) {
        file.append(payload, seq)
        return
      }
      end += FRAME_HEADER_BYTES + payload.byteLength
      kept.push({ payload, seq, end })
    },
    next(maxBytes) {
      if (file !== undefined) {
        const batch = file.next(maxBytes)
        return batch && { ...batch, start: batch.start + ahead, end: batch.end + ahead }
      }
      if (taken >= end || closed) return undefined
      const from = firstAfter(taken)
      let bytes = 0
      let to = from
      while (to < kept.length && (to === from || bytes + kept[to]!.payload.byteLength <= maxBytes)) {
        bytes += kept[to]!.payload.byteLength
        to += 1
      }
      const some = kept.slice(from, to)
      return {
        payloads: some.map((one) => one.payload),
        seqs: some.map((one) => one.seq),
        start: taken,
        end: some.at(-1)!.end,
      }
    },
    take(batch) {
      if (file !== undefined)
        return file.take({ ...batch, start: batch.start - ahead, end: batch.end - ahead })
      if (batch.start !== taken) return false
      taken = batch.end
      return true
    },
    acknowledge(upTo) {
      if (file !== undefined) {
        file.acknowledge(upTo - ahead)
        return
      }
      ack = upTo
      taken = Math.max(taken, ack)
      kept = kept.slice(firstAfter(ack))
    },
    rewind() {
      if (file !== undefined) file.rewind()
      else taken = ack
    },
    count: () => file?.count() ?? kept.length,
    sync(done) {
      if (file !== undefined) file.sync(done)
      else done(null)
    },
    persist(path) {
      const made = createSegment(path, instance, resource)
      const start = made.end
      try {
        // In one write: what waits here is at most some MiB.
        const bytes = Buffer.allocUnsafe(end - ack)
        let at = 0
        for (const one of kept) at = putFrame(bytes, at, one.payload, one.seq)
        made.appendFrames(bytes)
      } catch (error) {
        made.remove()
        throw error
      }
      ahead = ack - start
      if (taken > ack) made.take({ payloads: [], seqs: [], start, end: taken - ahead })
      file = made
      kept = []
    },
    remove() {
      file?.remove()
      kept = []
      closed = true
    },
    close() {
      file?.close()
      closed = true
    },
  }
}
