import type { Attributes, Metric } from '@throughline/otlp'
import type { ScopeMetrics } from './exporter.js'
import type { HistogramPoint, NumberPoint } from './points.js'

/** The names that Prometheus gives to the same metrics when they come by OTLP, so that a dashboard works with both. */
const UNITS: Record<string, string> = { s: '_seconds', By: '_bytes', '1': '' }

/** OpenMetrics 1.0 text of the given scopes, with exemplars. */
export function toOpenMetrics(scopes: readonly ScopeMetrics[]): string {
  const lines: string[] = []
  for (const { metrics } of scopes) for (const metric of metrics) lines.push(...family(metric))
  return [...lines, '# EOF', ''].join('\n')
}

function family(metric: Metric): string[] {
  const { data } = metric
  const name = metricName(metric)
  const lines = [`# TYPE ${name} ${typeOf(data)}`]
  if (metric.description)
    lines.push(`# HELP ${name} ${metric.description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`)
  if (data.kind === 'histogram') for (const point of data.points) lines.push(...histogram(name, point))
  else if (data.kind === 'sum' || data.kind === 'gauge') {
    const suffix = data.kind === 'sum' && data.monotonic ? '_total' : ''
    for (const point of data.points) lines.push(sample(name + suffix, point))
  }
  return lines
}

function typeOf(data: Metric['data']): string {
  if (data.kind === 'histogram') return 'histogram'
  return data.kind === 'sum' && data.monotonic ? 'counter' : 'gauge'
}

function metricName(metric: Metric): string {
  const suffix = UNITS[metric.unit ?? ''] ?? ''
  const name = metric.name.replace(/[^a-zA-Z0-9_]/g, '_')
  return name.endsWith(suffix) ? name : name + suffix
}

function sample(name: string, point: NumberPoint): string {
  const shown = point.exemplars?.[0]
  // OpenMetrics allows exemplars on counters and buckets alone.
  return `${name}${labels(point.attributes)} ${point.value}${shown !== undefined && name.endsWith('_total') ? exemplar(shown) : ''}`
}

function histogram(name: string, point: HistogramPoint): string[] {
  const lines: string[] = []
  let cumulative = 0
  point.bucketCounts.forEach((count, i) => {
    cumulative += count
    const bound = point.bounds[i]
    const shown = point.exemplars?.find((one) => inBucket(Number(one.value), point.bounds[i - 1], bound))
    const le = bound === undefined ? '+Inf' : canonical(bound)
    lines.push(
      `${name}_bucket${labels(point.attributes, { le })} ${cumulative}${shown === undefined ? '' : exemplar(shown)}`,
    )
  })
  lines.push(`${name}_count${labels(point.attributes)} ${point.count}`)
  lines.push(`${name}_sum${labels(point.attributes)} ${point.sum ?? 0}`)
  return lines
}

/** OpenMetrics writes the bound of a whole second as `1.0`; a strict reader refuses `1`. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound)
}

function inBucket(value: number, above: number | undefined, upTo: number | undefined): boolean {
  return (above === undefined || value > above) && (upTo === undefined || value <= upTo)
}

function exemplar(one: NonNullable<NumberPoint['exemplars']>[number]): string {
  const seconds = Number(one.timeUnixNano / 1_000_000n) / 1_000
  return ` # ${labels({ trace_id: one.traceId ?? '', span_id: one.spanId ?? '', ...one.attributes })} ${one.value} ${seconds}`
}

function labels(attributes: Attributes, more: Record<string, string> = {}): string {
  const pairs = Object.entries({ ...attributes, ...more }).map(
    ([key, value]) => `${key.replace(/[^a-zA-Z0-9_]/g, '_')}="${escapeValue(String(value))}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
