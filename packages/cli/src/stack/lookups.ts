import pg from 'pg'
import type { CloudWatchPoint } from '../cloudwatch/points.js'
import { CliError } from '../errors.js'

export interface JaegerSpan {
  service: string
  operation: string
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  tags: Record<string, unknown>
}

/** The spans that Jaeger holds of one trace; none while it does not know the trace. */
export async function jaegerTrace(url: string, traceId: string): Promise<{ spans: JaegerSpan[] }> {
  const response = await get(new URL(`/api/traces/${encodeURIComponent(traceId)}`, url))
  if (response.status === 404) return { spans: [] }
  const { data } = (await json(response)) as {
    data: {
      spans: {
        traceID: string
        spanID: string
        operationName: string
        processID: string
        references?: { refType: string; spanID: string }[]
        tags: { key: string; value: unknown }[]
      }[]
      processes: Record<string, { serviceName: string }>
    }[]
  }
  const spans = data.flatMap((trace) =>
    trace.spans.map((span) => ({
      service: trace.processes[span.processID]?.serviceName ?? '',
      operation: span.operationName,
      traceId: span.traceID,
      spanId: span.spanID,
      parentSpanId: span.references?.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
      tags: Object.fromEntries(span.tags.map(({ key, value }) => [key, value])),
    })),
  )
  return { spans }
}

export interface PrometheusSample {
  labels: Record<string, string>
  value: number
  /** Seconds since 1970. */
  time: number
}

/** An instant query whose answer is a vector; empty when no series fits. */
export async function prometheusQuery(url: string, promql: string): Promise<PrometheusSample[]> {
  const target = new URL('/api/v1/query', url)
  target.searchParams.set('query', promql)
  const { data } = (await json(await get(target))) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] }
  }
  return data.result.map(({ metric, value: [time, value] }) => ({
    labels: metric,
    value: Number(value),
    time,
  }))
}

export interface PrometheusExemplar {
  /** Of the series that the exemplar hangs on. */
  series: Record<string, string>
  labels: Record<string, string>
  value: number
  /** Seconds since 1970. */
  time: number
}

/** The exemplars between two moments (`Date` or seconds since 1970) of the series that the expression names. */
export async function prometheusExemplars(
  url: string,
  promql: string,
  start: Date | number,
  end: Date | number,
): Promise<PrometheusExemplar[]> {
  const target = new URL('/api/v1/query_exemplars', url)
  target.searchParams.set('query', promql)
  target.searchParams.set('start', String(seconds(start)))
  target.searchParams.set('end', String(seconds(end)))
  const { data } = (await json(await get(target))) as {
    data: {
      seriesLabels: Record<string, string>
      exemplars: { labels: Record<string, string>; value: string; timestamp: number }[]
    }[]
  }
  return data.flatMap(({ seriesLabels, exemplars }) =>
    exemplars.map(({ labels, value, timestamp }) => ({
      series: seriesLabels,
      labels,
      value: Number(value),
      time: timestamp,
    })),
  )
}

/** What the CloudWatch stand-in received and still holds, oldest first. */
export async function cloudWatchPoints(url: string): Promise<CloudWatchPoint[]> {
  const { points } = (await json(await get(new URL('/metrics.json', url)))) as { points: CloudWatchPoint[] }
  return points
}

export interface OperationRow {
  startedAt: Date
  /** 32 hexadecimal digits, as in Jaeger. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
  correlationId: string
  service: string
  operationService: string
  operation: string
  userId: string | null
  durationUs: number
  success: boolean
  errorType: string | null
  errorMessage: string | null
  metadata: Record<string, unknown> | null
  business: { name: string; labels: Record<string, string>; value: string }[] | null
}

/** The rows of one correlation ID, in the order of their start. */
export async function rowsByCorrelation(databaseUrl: string, correlationId: string): Promise<OperationRow[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 })
  // Postgres may be killed in mid-query in a fault test; the query's own rejection tells it.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<OperationRow>(
      `select started_at as "startedAt", replace(trace_id::text, '-', '') as "traceId",
              lpad(to_hex(span_id), 16, '0') as "spanId", correlation_id as "correlationId", service,
              operation_service as "operationService", operation, user_id as "userId",
              duration_us::float8 as "durationUs", success, error_type as "errorType", error_message as "errorMessage",
              metadata, business
         from throughline.operations where correlation_id = $1 order by started_at`,
      [correlationId],
    )
    return rows
  } catch (cause) {
    throw new CliError('TL_LOOKUP_FAILED', `Postgres: ${(cause as Error).message}`, { cause })
  } finally {
    await client.end().catch(() => {})
  }
}

function get(url: URL): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(10_000) })
}

async function json(response: Response): Promise<unknown> {
  if (response.ok) return response.json()
  const text = (await response.text()).slice(0, 500)
  throw new CliError('TL_LOOKUP_FAILED', `${response.url} answered ${response.status}: ${text}`)
}

function seconds(moment: Date | number): number {
  return typeof moment === 'number' ? moment : moment.getTime() / 1000
}
