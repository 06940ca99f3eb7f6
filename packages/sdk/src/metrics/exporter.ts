import { encodeMetrics, type Metric } from '@throughline/otlp'
import { post } from '../http-post.js'
import type { Notices } from '../notices.js'

/** One instrumentation scope and its metrics: one request carries one scope, so the Collector can route it whole. */
export interface ScopeMetrics {
  readonly scope: { name: string; version: string }
  readonly metrics: Metric[]
  /** Told whether the metrics arrived: what is counted since the last export must not be lost with a request. */
  readonly settle?: (delivered: boolean) => void
  /** On the metrics page the scope's name is a label: the application's own metrics, of which two scopes may have one name. */
  readonly labelled?: boolean
}

export interface MetricsExporter {
  /** Sends now; true when every request was answered with 2xx in time. */
  flush(timeoutMs: number): Promise<boolean>
  close(): void
}

/** What one failed request did not bring, the next one does: sums are cumulative, or are given back by `settle`. No request is repeated. */
export function createMetricsExporter(options: {
  url: string
  headers: Record<string, string>
  resource: Uint8Array
  intervalMs: number
  timeoutMs: number
  collect: () => ScopeMetrics[]
  notices: Notices
}): MetricsExporter {
  const { url, headers, resource, notices } = options
  let running: Promise<boolean> | undefined

  async function send(timeoutMs: number): Promise<boolean> {
    const results = await Promise.all(
      options.collect().map(async (scope) => {
        const delivered = await sendScope(scope, timeoutMs)
        scope.settle?.(delivered)
        return delivered
      }),
    )
    return results.every(Boolean)
  }

  async function sendScope({ scope, metrics: collected }: ScopeMetrics, timeoutMs: number): Promise<boolean> {
    // A metric without points says nothing, and Prometheus refuses the whole request that holds one.
    const metrics = collected.filter(({ data }) => data.kind !== 'none' && data.points.length > 0)
    if (metrics.length === 0) return true
    try {
      const answer = await post(url, encodeMetrics({ resource, scope, metrics }), headers, timeoutMs)
      if (answer.status >= 200 && answer.status < 300) return true
      notices.note('metrics_export_failed', `${url} answered ${answer.status}: ${answer.body.slice(0, 200)}`)
    } catch (error) {
      notices.note(
        'metrics_export_failed',
        `${url}: ${error instanceof Error ? error.message || error.name : String(error)}`,
      )
    }
    return false
  }

  const timer = setInterval(() => {
    // A Collector that hangs gets one request, not one an interval.
    if (running !== undefined) return
    running = send(Math.min(options.intervalMs, options.timeoutMs)).finally(() => {
      running = undefined
    })
  }, options.intervalMs)
  timer.unref()

  return {
    flush: send,
    close: () => clearInterval(timer),
  }
}
