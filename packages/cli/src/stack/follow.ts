import { plural } from '../terminal/plural.js'
import { cloudWatchPoints, jaegerTrace, prometheusExemplars, rowsByCorrelation } from './lookups.js'
import type { Stack } from './stack.js'
import { until } from './wait.js'

/** One hop of a followed correlation ID. */
export interface Hop {
  readonly hop: string
  readonly ok: boolean
  /** What was found, or what was seen instead. */
  readonly found: string
}

/** What a request is expected to leave in the stores. */
export interface Footprint {
  readonly correlationId: string
  /** Name of the operation whose exemplar is looked for. */
  readonly operation: string
  /** A business metric it measures, with its prefix. */
  readonly businessMetric: string
  readonly rows: number
  readonly spans: number
  readonly services: number
}

/** Where the stores are: a stack, or what stands for one. */
type Stores = Pick<Stack, 'databaseUrl' | 'profile'> & {
  readonly urls: Pick<Stack['urls'], 'jaeger' | 'prometheus' | 'cloudwatch'>
}

/** How long a hop may take: the slowest is a metric interval and two queues. */
const DEADLINE_MS = 30_000

/** Looks one request up in every store. A hop that does not show it in time says what was seen instead. */
export async function follow(stack: Stores, wanted: Footprint): Promise<Hop[]> {
  const since = Date.now() / 1_000 - 600
  let traceId = ''
  const rows = await look('Postgres: rows', async () => {
    const found = await rowsByCorrelation(stack.databaseUrl, wanted.correlationId)
    traceId = found[0]?.traceId ?? ''
    const names = found.map((row) => `${row.operationService}.${row.operation}`).join(', ')
    return found.length === wanted.rows && `${found.length}: ${names}`
  })
  return [
    rows,
    await look('Jaeger: one trace', () => trace(stack, wanted, traceId)),
    // A profile that sends nothing to a store is not asked to show it there.
    ...(stack.profile === 'cloudwatch'
      ? []
      : [await look('Prometheus: exemplar of the duration', () => exemplar(stack, wanted, since))]),
    ...(stack.profile === 'prometheus'
      ? []
      : [await look('CloudWatch: business metric', () => businessMetric(stack, wanted))]),
  ]
}

/** Waits for a text that says what was found. */
async function look(hop: string, find: () => Promise<string | false>): Promise<Hop> {
  try {
    return { hop, ok: true, found: await until(find, { what: hop, deadlineMs: DEADLINE_MS, everyMs: 250 }) }
  } catch (error) {
    return { hop, ok: false, found: error instanceof Error ? error.message : String(error) }
  }
}

async function trace(stack: Stores, wanted: Footprint, traceId: string): Promise<string | false> {
  const { spans } = await jaegerTrace(stack.urls.jaeger, traceId)
  const services = [...new Set(spans.map((span) => span.service))].sort()
  const marked = spans.filter((span) => span.tags['correlation.id'] === wanted.correlationId)
  if (services.length < wanted.services || spans.length < wanted.spans || marked.length !== spans.length)
    return false
  return `${plural(spans.length, 'span')} over ${services.join(' and ')}, each with the ID`
}

async function exemplar(stack: Stores, wanted: Footprint, since: number): Promise<string | false> {
  const series = `throughline_operation_duration_seconds_bucket{operation_name="${wanted.operation}"}`
  const found = await prometheusExemplars(stack.urls.prometheus, series, since, Date.now() / 1_000 + 60)
  const ours = found.find((one) => Object.values(one.labels).includes(wanted.correlationId))
  return ours !== undefined && `${(ours.value * 1_000).toFixed(1)} ms, trace_id ${ours.labels.trace_id}`
}

async function businessMetric(stack: Stores, wanted: Footprint): Promise<string | false> {
  const points = await cloudWatchPoints(stack.urls.cloudwatch)
  const ours = points.findLast(
    (point) => point.name === wanted.businessMetric && JSON.stringify(point).includes(wanted.correlationId),
  )
  return ours !== undefined && `${ours.name} ${JSON.stringify(ours.labels)} = ${ours.value}`
}
