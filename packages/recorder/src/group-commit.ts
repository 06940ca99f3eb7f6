import { isRetryable, type Writer } from '@throughline/postgres'
import type { Counters } from './counters.js'
import { RecorderError } from './errors.js'
import { plural } from './plural.js'
import { type Records, sizeOf } from './records.js'

type GroupCommitLimits = { maxRowsPerWrite: number; maxWrites: number; maxPendingRows: number }

export type GroupCommit = {
  /**
   * Resolves after all of it is committed, with the reasons of the rows that the writer parked (`rejected` is parked
   * too, unmentioned). Rejects when a part of it was not stored; repeating the whole adds no row twice.
   */
  submit: (records: Records) => Promise<string[]>
  /** How many records wait for a write or are in one. */
  pendingRows: () => number
  /** Throws `TL_RECORDER_BUSY` when not even one more record could wait: what is not read costs nothing. */
  assertRoom: () => void
}

type Part = {
  records: Records
  size: number
  resolve: (reasons: string[]) => void
  reject: (error: unknown) => void
}

/**
 * Many requests, few commits. A request is cut into parts of at most `maxRowsPerWrite`. While fewer than `maxWrites`
 * writes run, the parts at the head of the queue that fit into one write go together; so the first request of a quiet
 * time is written at once, and what comes during a write shares the next one. A write that fails fails its parts. If
 * the database is at fault for the time being (`isRetryable`), it fails the queue too: each part of it would only meet
 * the same after the same timeout, and its sender comes back anyway.
 */
export const createGroupCommit = (
  writer: Writer,
  limits: GroupCommitLimits,
  counters: Counters,
): GroupCommit => {
  const { maxRowsPerWrite, maxWrites, maxPendingRows } = limits
  const waiting: Part[] = []
  let pendingRows = 0
  let writes = 0

  const startWrites = (): void => {
    while (writes < maxWrites && waiting.length > 0) {
      let parts = 0
      let rows = 0
      while (parts < waiting.length && (parts === 0 || rows + waiting[parts]!.size <= maxRowsPerWrite)) {
        rows += waiting[parts]!.size
        parts += 1
      }
      writes += 1
      void write(waiting.splice(0, parts))
    }
  }

  const write = async (parts: readonly Part[]): Promise<void> => {
    counters.count('throughline.recorder.writes')
    try {
      const rejected = parts.flatMap((part) => part.records.rejected)
      const lifecycle = parts.flatMap((part) => part.records.lifecycle)
      const synthetic = parts.flatMap((part) => part.records.synthetic)
      const result = await writer.write(
        parts.flatMap((part) => part.records.rows),
        rejected,
        lifecycle,
        synthetic,
      )
      counters.count('throughline.recorder.rows', result.inserted)
      counters.count('throughline.recorder.duplicates', result.duplicates)
      counters.count('throughline.recorder.dead_letters', rejected.length + result.deadLettered.length)
      counters.count('throughline.recorder.lifecycle', lifecycle.length)
      counters.count('throughline.recorder.synthetic', synthetic.length)
      let parked = 0
      let offset = 0
      for (const part of parts) {
        const reasons: string[] = []
        offset += part.records.rows.length
        for (
          ;
          parked < result.deadLettered.length && result.deadLettered[parked]!.index < offset;
          parked += 1
        )
          reasons.push(result.deadLettered[parked]!.reason)
        part.resolve(reasons)
      }
    } catch (error) {
      counters.count('throughline.recorder.write_failures')
      for (const part of parts) part.reject(error)
      if (isRetryable(error))
        for (const part of waiting.splice(0)) {
          pendingRows -= part.size
          part.reject(error)
        }
    } finally {
      for (const part of parts) pendingRows -= part.size
      writes -= 1
      startWrites()
    }
  }

  const enqueue = (records: Partial<Records>): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const whole = { rows: [], rejected: [], lifecycle: [], synthetic: [], ...records }
      waiting.push({ records: whole, size: sizeOf(whole), resolve, reject })
    })

  return {
    pendingRows: () => pendingRows,
    assertRoom() {
      if (pendingRows >= maxPendingRows) throw busy(pendingRows)
    },
    async submit(records) {
      const size = sizeOf(records)
      // By what waits already, not by what comes: else a large request would never find room among many small ones.
      // How far one may go beyond the limit is bounded by the limits of a request.
      if (pendingRows >= maxPendingRows) throw busy(pendingRows)
      pendingRows += size
      const parts =
        size <= maxRowsPerWrite
          ? [enqueue(records)]
          : [
              ...chunks(records.rows, maxRowsPerWrite).map((rows) => enqueue({ rows })),
              ...chunks(records.rejected, maxRowsPerWrite).map((rejected) => enqueue({ rejected })),
              ...chunks(records.lifecycle, maxRowsPerWrite).map((lifecycle) => enqueue({ lifecycle })),
              ...chunks(records.synthetic, maxRowsPerWrite).map((synthetic) => enqueue({ synthetic })),
            ]
      startWrites()
      // All of them, so that an answer is given only when no part is under way any more.
      const results = await Promise.allSettled(parts)
      return results.flatMap((result) => {
        if (result.status === 'rejected') throw result.reason
        return result.value
      })
    },
  }
}

const busy = (pendingRows: number): RecorderError =>
  new RecorderError(
    'TL_RECORDER_BUSY',
    `${plural(pendingRows, 'record is', 'records are')} waiting to be stored`,
  )

const chunks = <T>(items: readonly T[], size: number): (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))
