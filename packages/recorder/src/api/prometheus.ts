import { inSnapshot } from '@throughline/postgres/reading'
import { createKinds, type Kind, type Kinds } from '@throughline/postgres/rollups'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { faultCode } from '../errors.js'
import { valueGauges } from '../value/gauges.js'
import { type Family, openMetricsText, openMetricsType, type Sample } from './openmetrics.js'
import type { ApiParts } from './parts.js'
import { addStreamRoute } from './route.js'
import { sharedReport } from './shared-report.js'

/** As the SDK has them: docs/reference/record.md. */
const boundsSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Kinds of operations; each has some twenty series. */
const maxOperations = 500

/** `GET /metrics/prometheus`: OpenMetrics, for who has no Collector and for who wants to see the recorder itself. */
export const addPrometheusRoute = (api: FastifyInstance, parts: ApiParts): void => {
  const kinds = createKinds(boundsSeconds.map((bound) => bound * 1e6))
  addStreamRoute(
    api,
    parts,
    {
      url: '/metrics/prometheus',
      role: 'read',
      tag: 'metrics',
      summary: 'Operations, value gauges and the recorder itself in the OpenMetrics format',
      description:
        'Operations are counted since the month began (UTC), from the sums and the rows that are not summed up yet; `docs/reference/metrics.md` lists every name. While the database is away it has the recorder alone.',
      contents: { 'application/openmetrics-text': Type.String() },
      withoutDatabase: true,
    },
    async (_asked, reply) => {
      const text = await parts.coalesce('/metrics/prometheus', async () =>
        openMetricsText(await familiesOf(parts, kinds)),
      )
      return reply.header('cache-control', 'no-store').type(openMetricsType).send(text)
    },
  )
}

const familiesOf = async (parts: ApiParts, kinds: Kinds): Promise<Family[]> => {
  const own = recorderFamilies(parts)
  try {
    parts.database.assertReady()
    return [...(await operationFamilies(parts, kinds)), ...(await valueFamilies(parts)), ...own, up(1)]
  } catch (error) {
    parts.log('prometheus', `the metrics have no rows: ${faultCode(error)}`)
    return [...own, up(0)]
  }
}

const up = (value: 0 | 1): Family => ({
  name: 'throughline.recorder.database_up',
  type: 'gauge',
  help: 'Whether the database answered',
  samples: [{ value }],
})

const recorderFamilies = ({ counters, commits, budget }: ApiParts): Family[] => [
  ...Object.entries(counters.values()).map(([name, value]): Family => {
    const reasons = name === 'throughline.recorder.refusals' ? Object.entries(counters.refusals()) : []
    const samples: Sample[] =
      name === 'throughline.recorder.refusals'
        ? reasons.map(([reason, count]) => ({ suffix: '_total', labels: { reason }, value: count }))
        : [{ suffix: '_total', value }]
    return { name, type: 'counter', help: 'docs/reference/metrics.md', samples }
  }),
  {
    name: 'throughline.recorder.pending_records',
    type: 'gauge',
    help: 'Records that wait for a write or are in one',
    samples: [{ value: commits.pendingRows() }],
  },
  {
    name: 'throughline.recorder.pending_bytes',
    type: 'gauge',
    help: 'Bodies of requests without an answer',
    samples: [{ value: budget.taken() }],
  },
]

const operationFamilies = async ({ reads }: ApiParts, kinds: Kinds): Promise<Family[]> => {
  const now = new Date()
  const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()))
  const all = await inSnapshot(reads, (db) => kinds.read(db, { from, until: now }))
  const shown = all.slice(0, maxOperations)
  const labels = (one: Kind): Record<string, string> => ({
    service: one.service,
    operation_service: one.operationService,
    operation_name: one.operation,
  })
  return [
    {
      name: 'throughline.recorded_operations',
      type: 'counter',
      help: 'Rows of the month that runs (UTC), by outcome',
      samples: shown.flatMap((one) => [
        { suffix: '_total', labels: { ...labels(one), outcome: 'success' }, value: one.count - one.failures },
        { suffix: '_total', labels: { ...labels(one), outcome: 'failure' }, value: one.failures },
      ]),
    },
    {
      name: 'throughline.recorded_duration_seconds',
      type: 'histogram',
      unit: 'seconds',
      help: 'Durations of the rows of the month that runs (UTC); bounds within 1.09 %',
      samples: shown.flatMap((one) => histogramOf(one, labels(one))),
    },
    {
      name: 'throughline.recorded_cut',
      type: 'gauge',
      help: `1: there are more kinds of operations than ${maxOperations}, and the rarest are left out`,
      samples: [{ value: all.length > shown.length ? 1 : 0 }],
    },
  ]
}

const histogramOf = (one: Kind, labels: Record<string, string>): Sample[] => {
  let below = 0
  return [
    ...boundsSeconds.map((bound, at) => {
      below += one.counts[at]!
      return { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: below }
    }),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: one.count },
    { suffix: '_count', labels, value: one.count },
    { suffix: '_sum', labels, value: one.sumUs / 1e6 },
  ]
}

const valueFamilies = async (parts: ApiParts): Promise<Family[]> => {
  const { model } = parts
  if (model === undefined) return []
  return valueGauges(await sharedReport(parts, model)).flatMap(({ name, description, data }): Family[] => {
    if (data.kind !== 'gauge') return []
    const samples = data.points.map(({ attributes, value }) => ({
      labels: Object.fromEntries(Object.entries(attributes).map(([label, text]) => [label, String(text)])),
      value: Number(value),
    }))
    return [{ name, type: 'gauge', help: description ?? name, samples }]
  })
}
