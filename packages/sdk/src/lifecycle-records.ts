import { randomBytes } from 'node:crypto'
import { encodeSpan } from '@throughline/otlp'

/** Numbers of the records of this instance, from 1, without gaps. */
export interface Sequence {
  /** The highest number given out; 0 before the first. */
  readonly last: number
  next(): number
}

export function createSequence(): Sequence {
  let last = 0
  return {
    get last() {
      return last
    },
    next() {
      last += 1
      return last
    },
  }
}

/** The bit that says "whether the parent is remote is known": with it unsampled means unsampled, and no picture goes to Jaeger. */
const UNSAMPLED = 0x100

/**
 * Says to the recorder that this instance begins, and how it ended, so that a missing number can be told from one that was never given out.
 * Records of a kind of their own: they take a number like any other.
 */
export interface LifecycleRecords {
  start(): void
  /** May be said again: only when numbers were given out since is there one more record, and the answer true. */
  stop(reason: string): boolean
}

export function createLifecycleRecords(parts: {
  instance: string
  sequence: Sequence
  append(payload: Uint8Array, seq: number): void
}): LifecycleRecords {
  const { instance, sequence, append } = parts
  let stopped = 0

  function say(
    lifecycle: 'start' | 'stop',
    further: (seq: number) => Record<string, string | number>,
  ): number {
    const seq = sequence.next()
    const now = BigInt(Date.now()) * 1_000_000n
    const payload = encodeSpan({
      traceId: randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      name: 'throughline.instance',
      kind: 1,
      flags: UNSAMPLED,
      startTimeUnixNano: now,
      endTimeUnixNano: now,
      attributes: {
        'throughline.lifecycle': lifecycle,
        'throughline.instance': instance,
        'throughline.seq': seq,
        ...further(seq),
      },
    })
    append(payload, seq)
    return seq
  }

  return {
    start: () => void say('start', () => ({})),
    stop(reason) {
      if (stopped === sequence.last) return false
      stopped = say('stop', (seq) => ({ 'throughline.stop_reason': reason, 'throughline.last_seq': seq }))
      return true
    },
  }
}
