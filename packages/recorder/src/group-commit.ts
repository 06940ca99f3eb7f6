import { type DeadLetter, isRetryable, type OperationRow, type Writer } from '@throughline/postgres'
import { RecorderError } from './errors.js'

type GroupCommitLimits = { maxRowsPerWrite: number; maxWrites: number; maxPendingRows: number }

export type GroupCommit = {
  /**
   * Resolves after all of it is committed, with the reasons of the rows that the writer parked (`rejected` is parked
   * too, unmentioned). Rejects when a part of it was not stored; repeating the whole adds no row twice.
   */
  submit: (rows: readonly OperationRow[], rejected: readonly DeadLetter[]) => Promise<string[]>
}

type Part = {
  rows: readonly OperationRow[]
  rejected: readonly DeadLetter[]
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
export const createGroupCommit = (writer: Writer, limits: GroupCommitLimits): GroupCommit => {
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
    try {
      const result = await writer.write(
        parts.flatMap((part) => part.rows),
        parts.flatMap((part) => part.rejected),
      )
      let parked = 0
      let offset = 0
      for (const part of parts) {
        const reasons: string[] = []
        offset += part.rows.length
        for (
          ;
          parked < result.deadLettered.length && result.deadLettered[parked]!.index < offset;
          parked += 1
        )
          reasons.push(result.deadLettered[parked]!.reason)
        part.resolve(reasons)
      }
    } catch (error) {
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

  const enqueue = (rows: readonly OperationRow[], rejected: readonly DeadLetter[]): Promise<string[]> =>
    new Promise((resolve, reject) => {
      waiting.push({ rows, rejected, size: rows.length + rejected.length, resolve, reject })
    })

  return {
    async submit(rows, rejected) {
      const size = rows.length + rejected.length
      // One request that is larger than the limit by itself is taken when nothing else is there: else it never could be.
      if (pendingRows > 0 && pendingRows + size > maxPendingRows)
        throw new RecorderError('TL_RECORDER_BUSY', `${pendingRows} records are waiting to be stored`)
      pendingRows += size
      const parts = [
        ...chunks(rows, maxRowsPerWrite).map((chunk) => enqueue(chunk, [])),
        ...chunks(rejected, maxRowsPerWrite).map((chunk) => enqueue([], chunk)),
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

const chunks = <T>(items: readonly T[], size: number): (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))
