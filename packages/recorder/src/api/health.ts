import { type HealthRecord, readHealth } from '@throughline/postgres/reading'
import type { FastifyInstance } from 'fastify'
import { faultCode } from '../errors.js'
import type { ApiParts } from './parts.js'
import { collectorSays, pageOf } from './places.js'
import { addJsonRoute } from './route.js'
import { HealthAnswer, type Hop } from './schemas/health.js'

/** Ten minutes: the sums are some seconds behind; a backlog that old does not go away by itself. */
const lateMs = 600_000

/** `GET /metrics/health`: answered also while the database is away, which is when it is asked for. */
export const addHealthRoute = (api: FastifyInstance, parts: ApiParts): void => {
  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/health',
      role: 'read',
      tag: 'recorder',
      summary: 'Each hop from the services to the stores: its backlog, what it gave up, its last success',
      answer: HealthAnswer,
      withoutDatabase: true,
    },
    () => answerOf(parts),
  )
}

const answerOf = async (parts: ApiParts): Promise<HealthAnswer> => {
  const { settings, counters, database, reads } = parts
  let fault: string | undefined
  let record: HealthRecord | undefined
  try {
    await database.probe()
    record = await readHealth(reads)
  } catch (error) {
    fault = faultCode(error)
  }
  const [collector, jaeger, prometheus] = await Promise.all([
    collectorHop(settings.collectorUrl),
    placeHop('jaeger', settings.jaegerUrl, '/'),
    placeHop('prometheus', settings.prometheusUrl, '/-/healthy'),
  ])
  const hops = [
    servicesHop(record),
    collector,
    recorderHop(parts),
    postgresHop(record, fault),
    rollupsHop(record),
    jaeger,
    prometheus,
  ]
  const cuts = record?.instancesCut === true ? ['instances: only the 200 that delivered last'] : []
  return {
    state: hops.some(({ state }) => state === 'down')
      ? 'down'
      : hops.some(({ state }) => state === 'warning')
        ? 'warning'
        : 'ok',
    at: new Date().toISOString(),
    hops,
    instances: (record?.instances ?? []).map(({ startedAt, stoppedAt, lastDeliveredAt, ...one }) => ({
      ...one,
      startedAt: startedAt?.toISOString() ?? null,
      stoppedAt: stoppedAt?.toISOString() ?? null,
      lastDeliveredAt: lastDeliveredAt.toISOString(),
    })),
    deadLetters: record?.deadLetters ?? { total: 0, reasons: [] },
    counters: counters.values(),
    truncated: cuts.length > 0,
    cuts,
  }
}

const lastOf = (record: HealthRecord | undefined): string | null =>
  record?.instances[0]?.lastDeliveredAt.toISOString() ?? null

const servicesHop = (record: HealthRecord | undefined): Hop => {
  const hop = { name: 'services', dropped: null, lastSuccess: lastOf(record) } as const
  if (record === undefined) return { ...hop, state: 'unknown', detail: 'the database is away', backlog: null }
  const { instances } = record
  const missing = instances.reduce((sum, one) => sum + one.missing, 0)
  const lost = instances.filter((one) => one.stoppedAt !== null && one.missing > 0)
  const running = instances.filter(({ stoppedAt }) => stoppedAt === null).length
  return {
    ...hop,
    state: lost.length > 0 ? 'warning' : 'ok',
    detail: `${instances.length} processes or threads in 24 hours, ${running} without a stop${lost.length > 0 ? `; ${lost.length} stopped and have records that are not here` : ''}`,
    backlog: { value: missing, unit: 'records' },
  }
}

const collectorHop = async (url: string): Promise<Hop> => {
  const hop = { name: 'collector', lastSuccess: null } as const
  const unknown = { ...hop, backlog: null, dropped: null }
  if (url === '')
    return { ...unknown, state: 'unknown', detail: 'its metrics page is not known to the recorder' }
  const page = await pageOf(url)
  if (page === undefined) return { ...unknown, state: 'down', detail: 'its metrics page does not answer' }
  const { queued, refused, dropped } = collectorSays(page)
  return {
    ...hop,
    state: dropped > 0 ? 'warning' : 'ok',
    detail: `since its start it gave up ${dropped} spans and refused ${refused}, which their senders keep`,
    backlog: { value: queued, unit: 'bytes' },
    dropped,
    lastSuccess: new Date().toISOString(),
  }
}

const recorderHop = ({ commits, counters, settings }: ApiParts): Hop => {
  const values = counters.values()
  const waiting = commits.pendingRows()
  const full = waiting >= settings.maxPendingRows
  return {
    name: 'recorder',
    state: full ? 'warning' : 'ok',
    detail: full
      ? 'it holds all that it may and answers 503'
      : `${values['throughline.recorder.rows']} rows since its start`,
    backlog: { value: waiting, unit: 'records' },
    dropped: 0,
    lastSuccess: new Date().toISOString(),
  }
}

const postgresHop = (record: HealthRecord | undefined, fault: string | undefined): Hop => ({
  name: 'postgres',
  state: record === undefined ? 'down' : record.deadLetters.total > 0 ? 'warning' : 'ok',
  detail:
    record === undefined
      ? `it does not answer (${fault})`
      : record.deadLetters.total > 0
        ? `${record.deadLetters.total} records are parked as dead letters`
        : 'it answers',
  backlog: record === undefined ? null : { value: record.inTransactions, unit: 'copies of transactions' },
  dropped: null,
  lastSuccess: lastOf(record),
})

const rollupsHop = (record: HealthRecord | undefined): Hop => {
  const hop = { name: 'rollups', dropped: null } as const
  if (record === undefined)
    return { ...hop, state: 'unknown', detail: 'the database is away', backlog: null, lastSuccess: null }
  const { count, oldest } = record.marks
  const late = oldest !== null && Date.now() - oldest.getTime() > lateMs
  return {
    ...hop,
    state: late ? 'warning' : 'ok',
    detail:
      oldest === null
        ? 'everything is summed up'
        : `waits since ${oldest.toISOString()}; until then these are read from rows`,
    backlog: { value: count, unit: 'marks' },
    lastSuccess: oldest === null ? new Date().toISOString() : null,
  }
}

const placeHop = async (name: 'jaeger' | 'prometheus', url: string, path: string): Promise<Hop> => {
  const hop = { name, backlog: null, dropped: null } as const
  if (url === '')
    return { ...hop, state: 'unknown', detail: 'its address is not known to the recorder', lastSuccess: null }
  const up = (await pageOf(`${url.replace(/\/+$/, '')}${path}`)) !== undefined
  return {
    ...hop,
    state: up ? 'ok' : 'down',
    detail: up ? 'it answers' : 'it does not answer',
    lastSuccess: up ? new Date().toISOString() : null,
  }
}
