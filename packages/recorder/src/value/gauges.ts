import { encodeMetrics, encodeResource, type Metric } from '@throughline/otlp'
import type { Figure, ValueReport } from './figure.js'

export type PublishOptions = {
  /** Where metrics go over OTLP/HTTP, as `http://127.0.0.1:4318/v1/metrics`. */
  url: string
  headers?: Record<string, string>
  /** Longest wait for the answer, in ms. Default 10,000. */
  timeoutMs?: number
  /** Of whoever publishes. Default `throughline-value`. */
  serviceName?: string
  now?: Date
}

/**
 * The figures of a report as gauges of the scope `throughline.business`: `business.value.<figure>`, and under each further
 * name `business.<name>`. Units stand in braces, so that no store changes a name by them. Dates are no gauges.
 */
export const valueGauges = (report: ValueReport, now: Date = new Date()): Metric[] =>
  report.figures.flatMap((figure) => {
    if (figure.value === null || figure.unit === 'date') return []
    const aliases = Object.keys(report.names).filter((name) => report.names[name] === figure.name)
    const names = [`business.value.${figure.name}`, ...aliases.map((name) => `business.${name}`)]
    return names.map((name) => gauge(name, figure, report, now))
  })

const units: Record<string, string> = {
  '1': '{count}',
  h: '{hour}',
  ms: '{millisecond}',
  '%': '{percent}',
  months: '{month}',
}

const gauge = (name: string, figure: Figure, report: ValueReport, now: Date): Metric => {
  const money = figure.unit === report.currency
  return {
    name,
    description: figure.formula,
    unit: units[figure.unit] ?? '{currency}',
    data: {
      kind: 'gauge',
      points: [
        {
          attributes: {
            model: report.model,
            period: report.period.name,
            ...(money ? { currency: report.currency } : {}),
          },
          startTimeUnixNano: nanoseconds(new Date(report.period.from)),
          timeUnixNano: nanoseconds(now),
          value: Number(figure.value),
        },
      ],
    },
  }
}

const nanoseconds = (time: Date): bigint => BigInt(time.getTime()) * 1_000_000n

/** Sends the gauges of a report. Rejects when they are not taken in time; answers how many there were. */
export const publishValueGauges = async (report: ValueReport, options: PublishOptions): Promise<number> => {
  const metrics = valueGauges(report, options.now)
  const body = encodeMetrics({
    resource: encodeResource({ 'service.name': options.serviceName ?? 'throughline-value' }),
    scope: { name: 'throughline.business' },
    metrics,
  })
  const answer = await fetch(options.url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...options.headers },
    body: body as Uint8Array<ArrayBuffer>,
    signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
  })
  if (!answer.ok)
    throw new Error(`${options.url} answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`)
  return metrics.length
}
