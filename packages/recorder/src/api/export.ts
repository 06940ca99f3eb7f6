import { Readable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import {
  keyAt,
  type OperationDetailRecord,
  type OperationSearch,
  searchOperations,
} from '@throughline/postgres/reading'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { csvHead, csvLine } from './csv.js'
import { cursorOf } from './cursor.js'
import type { ApiParts } from './parts.js'
import { addStreamRoute } from './route.js'
import { ExportQuery } from './schemas/operations.js'
import { searchOf } from './search.js'
import { type JaegerLink, jaegerLink, shownDetail } from './shown-operation.js'

/** Between two pieces the connection serves others: a client that reads slowly holds none. */
const rowsAtATime = 250

/** `GET /v1/operations/export`: NDJSON or CSV, streamed, gzipped for who takes it. */
export const addExportRoute = (api: FastifyInstance, parts: ApiParts): void => {
  const { reads } = parts
  const link = jaegerLink(parts.settings.traceLink)
  addStreamRoute(
    api,
    parts,
    {
      url: '/v1/operations/export',
      role: 'read',
      tag: 'operations',
      summary: 'Operations as a file: NDJSON or CSV',
      description:
        'The same rows as `/v1/operations`, each with all it has. Whether the limit cut it is in the headers, before the first row. An export that fails on its way breaks off its connection: a whole one ends in the usual way. In CSV a cell that a spreadsheet would take for a formula begins with an apostrophe.',
      query: ExportQuery,
      contents: {
        'application/x-ndjson': Type.String({ description: 'One JSON object a line' }),
        'text/csv': Type.String({ description: 'RFC 4180, with a header line' }),
      },
      headers: {
        'throughline-truncated': Type.String({ description: '`true`: `limit` cut it; else `false`' }),
        'throughline-next': Type.String({ description: 'If it was cut: the cursor to go on with' }),
      },
    },
    async ({ query, request }, reply) => {
      const { format = 'ndjson', limit = 100_000, ...asked } = query as ExportQuery
      const search = { ...searchOf(asked, Date.now()), limit }
      const next = await keyAt(reads, search)
      const lines = Readable.from(format === 'csv' ? csv(search) : ndjson(search), { objectMode: true })
      reply
        .header('cache-control', 'no-store')
        .header('vary', 'accept-encoding')
        .header('content-disposition', `attachment; filename="operations.${format}"`)
        .header('throughline-truncated', String(next !== null))
        .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson')
      if (next !== null) reply.header('throughline-next', cursorOf(next))
      if (!takesGzip(request.headers['accept-encoding'])) return reply.send(lines)
      const gzip = createGzip({ level: constants.Z_BEST_SPEED })
      lines.on('error', (error) => gzip.destroy(error))
      gzip.on('close', () => lines.destroy())
      return reply.header('content-encoding', 'gzip').send(lines.pipe(gzip))
    },
  )

  async function* pieces(search: OperationSearch): AsyncGenerator<OperationDetailRecord[]> {
    let { after } = search
    for (let left = search.limit; left > 0; ) {
      const limit = Math.min(rowsAtATime, left)
      const { rows, next } = await searchOperations(reads, { ...search, after, limit }, { details: true })
      yield rows
      if (next === null) return
      after = next
      left -= rows.length
    }
  }
  async function* ndjson(search: OperationSearch): AsyncGenerator<string> {
    for await (const rows of pieces(search)) yield textOf(rows, link, (row) => `${JSON.stringify(row)}\n`)
  }
  async function* csv(search: OperationSearch): AsyncGenerator<string> {
    yield csvHead
    for await (const rows of pieces(search)) yield textOf(rows, link, csvLine)
  }
}

const textOf = (
  rows: readonly OperationDetailRecord[],
  link: JaegerLink,
  line: (row: ReturnType<typeof shownDetail>) => string,
): string => rows.map((row) => line(shownDetail(row, link))).join('')

const takesGzip = (accepted: string | undefined): boolean =>
  /(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0+)?\s*(?:,|$))[^,]*)?(?:,|$)/i.test(accepted ?? '')
