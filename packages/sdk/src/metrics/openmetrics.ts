import type { Attributes, Metric } from '@throughline/otlp'
import type { ScopeMetrics } from './exporter.js'
import type { HistogramPoint, NumberPoint } from './points.js'

/** The names that Prometheus gives to the same metrics when they come by OTLP, so that a dashboard works with both. */
const UNITS: Record<string, string> = { s: '_seconds', ms: '_milliseconds', By: '_bytes', '1': '' }

/** One family of the page: what bears one name there. */
interface Family {
  readonly metric: string
  readonly type: string
  readonly header: string[]
  readonly series: Map<string, string[]>
}

/**
 * OpenMetrics 1.0 text of the given scopes, with exemplars. Two metrics whose names become one on the page (`a.b` and `a_b`), and two series
 * that bear one set of labels, would make the whole page invalid: the second one is left out, and told to `refuse`.
 */
export function toOpenMetrics(
  scopes: readonly ScopeMetrics[],
  refuse: (name: string) => void = () => {},
): string {
  const families = new Map<string, Family>()
  /** Names of samples, each with the family that it belongs to: the gauge `a_total` and the counter `a` meet only there. */
  const taken = new Map<string, string>()

  for (const { scope, metrics, labelled } of scopes) {
    const more: Record<string, string> = labelled === true ? { otel_scope_name: scope.name } : {}
    for (const metric of metrics) {
      const name = metricName(metric)
      const type = typeOf(metric.data)
      const family = families.get(name) ?? begin(name, type, metric)
      const samples = sampleNames(name, type)
      const free = samples.every((one) => (taken.get(one) ?? name) === name)
      if (family.metric !== metric.name || family.type !== type || !free) {
        refuse(`${metric.name} of ${scope.name}: ${name} is taken on the page`)
        continue
      }
      families.set(name, family)
      for (const one of samples) taken.set(one, name)
      for (const [labels, lines] of seriesOf(name, metric, more)) {
        if (family.series.has(labels)) refuse(`${metric.name} of ${scope.name}: ${name}${labels} comes twice`)
        else family.series.set(labels, lines)
      }
    }
  }

  const lines = [...families.values()].flatMap(({ header, series }) => [
    ...header,
    ...[...series.values()].flat(),
  ])
  return [...lines, '# EOF', ''].join('\n')
}

function begin(name: string, type: string, metric: Metric): Family {
  const header = [`# TYPE ${name} ${type}`]
  if (metric.description)
    header.push(
      `# HELP ${name} ${metric.description.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}`,
    )
  return { metric: metric.name, type, header, series: new Map() }
}

function typeOf(data: Metric['data']): string {
  if (data.kind === 'histogram') return 'histogram'
  return data.kind === 'sum' && data.monotonic ? 'counter' : 'gauge'
}

function sampleNames(name: string, type: string): string[] {
  if (type === 'histogram') return [`${name}_bucket`, `${name}_count`, `${name}_sum`]
  return [type === 'counter' ? `${name}_total` : name]
}

/** Of a counter without `_total`, which is its samples'. */
function metricName(metric: Metric): string {
  const suffix = UNITS[metric.unit ?? ''] ?? ''
  const plain = metric.name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_')
  const name = typeOf(metric.data) === 'counter' ? plain.replace(/_total$/, '') : plain
  return name.endsWith(suffix) ? name : name + suffix
}

/** Lines by the labels of their series. */
function seriesOf(name: string, { data }: Metric, more: Record<string, string>): [string, string[]][] {
  if (data.kind === 'histogram')
    return data.points.map((point) => [labels(point.attributes, more), histogram(name, point, more)])
  if (data.kind !== 'sum' && data.kind !== 'gauge') return []
  const counter = data.kind === 'sum' && data.monotonic
  return data.points.map((point) => {
    const key = labels(point.attributes, more)
    // OpenMetrics allows exemplars on counters and buckets alone.
    const shown = counter ? point.exemplars?.[0] : undefined
    const line = `${name}${counter ? '_total' : ''}${key} ${number(point.value)}`
    return [key, [line + (shown === undefined ? '' : exemplar(shown))]]
  })
}

function histogram(name: string, point: HistogramPoint, more: Record<string, string>): string[] {
  const lines: string[] = []
  let cumulative = 0
  point.bucketCounts.forEach((count, i) => {
    cumulative += count
    const bound = point.bounds[i]
    const shown = point.exemplars?.find((one) => inBucket(Number(one.value), point.bounds[i - 1], bound))
    const le = bound === undefined ? '+Inf' : canonical(bound)
    lines.push(
      `${name}_bucket${labels(point.attributes, { ...more, le })} ${cumulative}${shown === undefined ? '' : exemplar(shown)}`,
    )
  })
  lines.push(`${name}_count${labels(point.attributes, more)} ${point.count}`)
  lines.push(`${name}_sum${labels(point.attributes, more)} ${number(point.sum ?? 0)}`)
  return lines
}

/** OpenMetrics writes the bound of a whole second as `1.0`; a strict reader refuses `1`. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound)
}

function number(value: number | bigint): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

function inBucket(value: number, above: number | undefined, upTo: number | undefined): boolean {
  return (above === undefined || value > above) && (upTo === undefined || value <= upTo)
}

function exemplar(one: NonNullable<NumberPoint['exemplars']>[number]): string {
  const seconds = Number(one.timeUnixNano / 1_000_000n) / 1_000
  return ` # ${labels({ trace_id: one.traceId ?? '', span_id: one.spanId ?? '', ...one.attributes })} ${one.value} ${seconds}`
}

/** Attributes whose names become one label are joined by a semicolon, as Prometheus does with what comes by OTLP. */
function labels(attributes: Attributes, more: Record<string, string> = {}): string {
  const values = new Map<string, string>()
  for (const [key, value] of Object.entries({ ...attributes, ...more })) {
    const name = key.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_')
    const known = values.get(name)
    values.set(name, known === undefined ? String(value) : `${known};${String(value)}`)
  }
  const pairs = [...values].map(([name, value]) => `${name}="${escapeValue(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
