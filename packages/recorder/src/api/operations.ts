import {
  findOperation,
  type OperationKey,
  type OperationRecord,
  type OperationSearch,
  readStory,
  readUsersOf,
  searchOperations,
} from '@throughline/postgres/reading'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { RecorderError } from '../errors.js'
import { cursorOf } from './cursor.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { OperationDetail } from './schemas/operation.js'
import {
  OperationPath,
  OperationQuery,
  OperationsAnswer,
  OperationsQuery,
  UsersAnswer,
  UsersQuery,
} from './schemas/operations.js'
import { searchOf } from './search.js'
import { jaegerLink, shownDetail, shownOperation } from './shown-operation.js'
import { filterOf, windowOf } from './window.js'

/** Metadata and business values may hold 64 kB each: a page ends before an answer becomes larger than about this. */
const maxPageBytes = 4_194_304
/** So many rows at their largest are 14 MB at a time. */
const rowsAtATime = 100

/** `GET /v1/operations`, `/v1/operations/{trace_id}/{span_id}` and `/metrics/users`. */
export const addOperationRoutes = (api: FastifyInstance, parts: ApiParts): void => {
  const { reads } = parts
  const link = jaegerLink(parts.settings.traceLink)

  /** A page in small pieces, until it is full by rows or by bytes. */
  const pageOf = async (search: OperationSearch): Promise<Page> => {
    const rows: OperationRecord[] = []
    let after = search.after
    for (let bytes = 0; ; ) {
      const limit = Math.min(rowsAtATime, search.limit - rows.length)
      const piece = await searchOperations(reads, { ...search, after, limit })
      rows.push(...piece.rows)
      bytes += JSON.stringify(piece.rows).length
      const full = bytes > maxPageBytes && rows.length < search.limit
      if (piece.next === null || full || rows.length >= search.limit) return { rows, next: piece.next, full }
      after = piece.next
    }
  }

  const list = async (query: OperationsQuery): Promise<OperationsAnswer> => {
    const { limit = 100 } = query
    const search = { ...searchOf(query, Date.now()), limit }
    const { from, until, correlationId } = search
    const { rows, next, full } = await pageOf(search)
    const told = correlationId === undefined ? null : await readStory(reads, { correlationId, from, until })
    const cuts = [
      ...(next !== null && full ? ['operations: the page ends at 4 MiB; `next` leads on'] : []),
      ...(next !== null && !full ? [`operations: the page ends at ${limit}; \`next\` leads on`] : []),
      ...(told?.cut === true ? ['story: only 100,000 operations are summed up'] : []),
    ]
    return {
      window: { from: from?.toISOString() ?? null, until: until?.toISOString() ?? null },
      operations: rows.map((row) => shownOperation(row, link)),
      next: next === null ? null : cursorOf(next),
      story:
        told === null || correlationId === undefined
          ? null
          : {
              ...told.story,
              correlationId,
              traces: told.story.traces.map((traceId) => ({ traceId, jaegerUrl: link(traceId) })),
            },
      truncated: cuts.length > 0,
      cuts,
    }
  }

  addJsonRoute(
    api,
    parts,
    {
      url: '/v1/operations',
      role: 'read',
      tag: 'operations',
      summary: 'Operations by correlation ID, operation, outcome, user, metadata and time, page by page',
      description:
        'With `correlation_id` the answer has `story`: that ID as a whole over services. Pages are by key: rows that come meanwhile move no row to another page.',
      query: OperationsQuery,
      answer: OperationsAnswer,
    },
    async ({ query }) => list(query as OperationsQuery),
  )

  addJsonRoute(
    api,
    parts,
    {
      url: '/v1/operations/:trace_id/:span_id',
      role: 'read',
      tag: 'operations',
      summary: 'One operation with all that its row has',
      path: OperationPath,
      query: OperationQuery,
      answer: OperationDetail,
      refusals: { 404: 'There is no such operation, or the retention has dropped it' },
    },
    async ({ path, query }): Promise<OperationDetail> => {
      const { trace_id, span_id } = path as Static<typeof OperationPath>
      const startedAt = keyTimeOf((query as Static<typeof OperationQuery>).at)
      const [traceId, spanId] = [trace_id.toLowerCase(), span_id.toLowerCase()]
      const found = startedAt === null ? null : await findOperation(reads, { traceId, spanId, startedAt })
      if (found === null)
        throw new RecorderError('TL_NOT_FOUND', `there is no operation ${traceId}/${spanId}`)
      return shownDetail(found, link)
    },
  )

  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/users',
      role: 'read',
      tag: 'metrics',
      summary: 'Who used it, from the rows',
      query: UsersQuery,
      answer: UsersAnswer,
    },
    async ({ query }) => users(query as UsersQuery),
  )

  const users = async (query: UsersQuery): Promise<UsersAnswer> => {
    const { limit = 20 } = query
    const window = windowOf(query, Date.now(), { defaultHours: 24, maxHours: 744 })
    const found = await readUsersOf(reads, { ...window, ...filterOf(query), limit })
    const cut = found.users > found.top.length
    return {
      window: { from: window.from.toISOString(), until: window.until.toISOString() },
      ...found,
      truncated: cut,
      cuts: cut ? [`top: only ${limit} of ${found.users} users are listed`] : [],
    }
  }
}

/** As Postgres takes it, with its microseconds; null: a time that nothing can have begun at. */
const keyTimeOf = (text: string | undefined): string | null | undefined => {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time) || time < 0) return null
  const micros = (/\.(\d+)/.exec(text)?.[1] ?? '').slice(3, 6).padEnd(3, '0')
  return new Date(time).toISOString().replace('Z', `${micros}Z`)
}

type Page = { rows: OperationRecord[]; next: OperationKey | null; full: boolean }
