import type { OperationKey } from '@throughline/postgres/reading'
import { RecorderError } from '../errors.js'

/** The key of the last row of a page as one word, which a client hands back unread. */
export const cursorOf = ({ startedAt, traceId, spanId }: OperationKey): string =>
  Buffer.from(`${startedAt} ${traceId} ${spanId}`).toString('base64url')

const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([0-9a-f]{32}) (-?\d{1,19})$/

/** Throws `TL_PARAMETER` for a word that is none of ours. */
export const keyOfCursor = (cursor: string): OperationKey => {
  const [, startedAt, traceId, spanId] = pattern.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (
    startedAt === undefined ||
    traceId === undefined ||
    spanId === undefined ||
    Number.isNaN(Date.parse(startedAt))
  )
    throw new RecorderError('TL_PARAMETER', 'cursor is not the `next` of an answer')
  return { startedAt, traceId, spanId }
}
