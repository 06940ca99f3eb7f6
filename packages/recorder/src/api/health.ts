import { type HealthRecord, readHealth } from '@throughline/postgres/reading'
import type { FastifyInstance } from 'fastify'
import { faultCode } from '../errors.js'
import { plural } from '../plural.js'
import type { ApiParts } from './parts.js'
import { exporterSays, pageOf } from './places.js'
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
  const [page, jaegerUp, prometheusUp] = await Promise.all([
    settings.collectorUrl === '' ? undefined : pageOf(settings.collectorUrl),
    isUp(settings.jaegerUrl, '/'),
    isUp(settings.prometheusUrl, '/-/healthy'),
  ])
  const hops = [
    servicesHop(record),
    collectorHop(settings.collectorUrl, page),
    recorderHop(parts),
    postgresHop(record, fault),
    rollupsHop(record),
    placeHop('jaeger', jaegerUp, page),
    placeHop('prometheus', prometheusUp, page),
    ...cloudWatchHop(page),
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
    detail: `${plural(instances.length, 'process or thread', 'processes or threads')} in 24 hours, ${running} without a stop${lost.length > 0 ? `; ${lost.length} stopped with records that are not here` : ''}`,
    backlog: { value: missing, unit: 'records' },
  }
}

const collectorHop = (url: string, page: string | undefined): Hop => {
  const hop = { name: 'collector', lastSuccess: null } as const
  const unknown = { ...hop, backlog: null, dropped: null }
  if (url === '')
    return { ...unknown, state: 'unknown', detail: 'its metrics page is not known to the recorder' }
  if (page === undefined) return { ...unknown, state: 'down', detail: 'its metrics page does not answer' }
  // One that has just started may name none of its exporters yet.
  const says = exporterSays(page, 'otlp_http/records') ?? { queued: 0, refused: 0, dropped: 0 }
  const { queued, refused, dropped } = says
  return {
    ...hop,
    state: dropped > 0 ? 'warning' : 'ok',
    detail: `since its start it gave up ${plural(dropped, 'span')} and refused ${refused}, which their senders keep`,
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
      : `${plural(values['throughline.recorder.rows'], 'row')} since its start`,
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
        ? plural(
            record.deadLetters.total,
            'record is parked as a dead letter',
            'records are parked as dead letters',
          )
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
        : `the oldest waits since ${oldest.toISOString().slice(11, 19)} UTC; until it is taken, its minutes are read from rows`,
    backlog: { value: count, unit: 'marks' },
    lastSuccess: oldest === null ? new Date().toISOString() : null,
  }
}

/** Undefined: it is not known where it is. */
const isUp = async (url: string, path: string): Promise<boolean | undefined> =>
  url === '' ? undefined : (await pageOf(`${url.replace(/\/+$/, '')}${path}`)) !== undefined

const exporters = {
  jaeger: { name: 'otlp_grpc/jaeger', unit: 'bytes', what: 'span' },
  prometheus: { name: 'otlp_http/prometheus', unit: 'data points', what: 'data point' },
  cloudwatch: { name: 'otlp_http/cloudwatch', unit: 'data points', what: 'data point' },
} as const

/** What waits for it and was given up is the Collector's to tell: it has the queue. */
const besideHop = (
  name: keyof typeof exporters,
  page: string | undefined,
): Pick<Hop, 'name' | 'backlog' | 'dropped'> & { handed: string | undefined } => {
  const exporter = exporters[name]
  const says = page === undefined ? undefined : exporterSays(page, exporter.name)
  if (says === undefined) return { name, backlog: null, dropped: null, handed: undefined }
  return {
    name,
    backlog: { value: says.queued, unit: exporter.unit },
    dropped: says.dropped + says.refused,
    handed: `the Collector has handed it ${plural(says.sent, exporter.what)}`,
  }
}

const placeHop = (name: 'jaeger' | 'prometheus', up: boolean | undefined, page: string | undefined): Hop => {
  const { handed, ...hop } = besideHop(name, page)
  const says =
    up === undefined ? 'its address is not known to the recorder' : `it ${up ? 'answers' : 'does not answer'}`
  return {
    ...hop,
    state: up === undefined ? 'unknown' : !up ? 'down' : (hop.dropped ?? 0) > 0 ? 'warning' : 'ok',
    detail: handed === undefined ? says : `${says}; ${handed}`,
    lastSuccess: up === true ? new Date().toISOString() : null,
  }
}

/** Nobody can look at CloudWatch without AWS credentials: what the Collector says of it is all. */
const cloudWatchHop = (page: string | undefined): Hop[] => {
  const { handed, ...hop } = besideHop('cloudwatch', page)
  if (handed === undefined) return []
  return [{ ...hop, state: (hop.dropped ?? 0) > 0 ? 'warning' : 'ok', detail: handed, lastSuccess: null }]
}
