import { PassThrough } from 'node:stream'
import type { OperationRecord } from '@throughline/postgres/reading'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { RecorderError } from '../errors.js'
import { createFeed, type FeedEvent } from './feed.js'
import type { ApiParts } from './parts.js'
import { addStreamRoute } from './route.js'
import { type OperationsEvent, StreamQuery } from './schemas/stream.js'
import { jaegerLink, shownOperation } from './shown-operation.js'
import { filterOf } from './window.js'

const maxStreams = 100
/** Proxies end what is silent for a minute. */
const heartbeatMs = 15_000
/** A token may have been revoked meanwhile: whoever comes back is asked again. */
const maxLifeMs = 900_000
/** What a reader that does not read may hold; beyond it events are left out. */
const maxBufferedBytes = 1_048_576

/** `GET /metrics/stream`: server-sent events. */
export const addStreamRoutes = (api: FastifyInstance, parts: ApiParts): void => {
  const feed = createFeed(parts.reads, parts.log)
  const open = new Set<PassThrough>()
  const link = jaegerLink(parts.settings.traceLink)
  // Before the server waits for the requests that run.
  api.addHook('preClose', async () => {
    for (const stream of open) stream.end()
    await feed.close()
  })

  addStreamRoute(
    api,
    parts,
    {
      url: '/metrics/stream',
      role: 'read',
      tag: 'metrics',
      summary: 'What happens, as server-sent events',
      description:
        'Event `operations`, once a second where there are some: `{"operations": […], "skipped": false}`, each operation as in `/v1/operations`. Event `figures`, every two seconds: `{"from", "until", "figures"}` of all operations of the last five minutes. It ends after 15 minutes; ask again then.',
      query: StreamQuery,
      contents: { 'text/event-stream': Type.String() },
    },
    async ({ query, request }, reply) => {
      const { events = 'all', ...asked } = query as StreamQuery
      if (open.size >= maxStreams)
        throw new RecorderError('TL_RECORDER_BUSY', `${maxStreams} streams are open already`)
      const wanted = filterFrom(asked)
      const stream = new PassThrough()
      let skipped = false
      open.add(stream)
      const write = (event: string, data: unknown): void => {
        stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
      }
      const operationsOf = (rows: readonly OperationRecord[], more: boolean): void => {
        const kept = rows.filter(wanted)
        if (kept.length === 0 && !more) return
        const data: OperationsEvent = {
          operations: kept.map((row) => shownOperation(row, link)),
          skipped: more || skipped,
        }
        skipped = false
        write('operations', data)
      }
      const listener = (event: FeedEvent): void => {
        if (events !== 'all' && event.event !== events) return
        if (stream.writableLength + stream.readableLength > maxBufferedBytes) skipped = true
        else if (event.event === 'figures') write('figures', event.data)
        else operationsOf(event.rows, event.skipped)
      }
      const unsubscribe = feed.subscribe(listener)
      const heartbeat = setInterval(() => stream.write(': still here\n\n'), heartbeatMs)
      const life = setTimeout(() => stream.end(), maxLifeMs)
      const end = (): void => {
        unsubscribe()
        clearInterval(heartbeat)
        clearTimeout(life)
        open.delete(stream)
        stream.destroy()
      }
      stream.on('close', end).on('error', end)
      request.raw.on('close', end)
      stream.write('retry: 2000\n\n')
      return reply
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .type('text/event-stream; charset=utf-8')
        .send(stream)
    },
  )
}

const filterFrom = (asked: Omit<StreamQuery, 'events'>): ((row: OperationRecord) => boolean) => {
  const { service, operationService, operation } = filterOf(asked)
  return (row) =>
    (service === undefined || row.service === service) &&
    (operationService === undefined || row.operationService === operationService) &&
    (operation === undefined || row.operation === operation) &&
    (asked.outcome === undefined || row.success === (asked.outcome === 'success'))
}
