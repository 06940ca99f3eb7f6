import { CliError } from '../errors.js'

/** What the Collector counts of the way to the recorder, since it was started. */
export type CollectorCounts = {
  /** What waits in the queue before the recorder: requests or bytes, by its sizer. */
  queued: number
  /** Spans that the recorder took. */
  sent: number
  /** Spans that the full queue refused: their senders keep them. */
  refused: number
  /** Spans that were given up. With endless retry: those that the recorder refused for good. */
  dropped: number
}

const exporter = 'exporter="otlp_http/records"'

/** From the Collector's own metrics page. Throws `TL_LOOKUP_FAILED` when it does not answer as one. */
export async function collectorCounts(url: string): Promise<CollectorCounts> {
  const page = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch((cause: Error) => {
    throw new CliError('TL_LOOKUP_FAILED', `The Collector's metrics at ${url}: ${cause.message}`, { cause })
  })
  const text = await page.text()
  if (!page.ok || !text.includes('otelcol_'))
    throw new CliError('TL_LOOKUP_FAILED', `${url} is not the metrics page of a Collector (${page.status})`)
  return {
    queued: sum(text, 'otelcol_exporter_queue_size'),
    sent: sum(text, 'otelcol_exporter_sent_spans'),
    refused: sum(text, 'otelcol_exporter_enqueue_failed_spans'),
    dropped: sum(text, 'otelcol_exporter_send_failed_spans'),
  }
}

/** Over the series of that metric which belong to the exporter of records; whatever suffixes its version appends to the name. */
function sum(page: string, name: string): number {
  return page
    .split('\n')
    .filter((line) => line.startsWith(name) && line.includes(exporter))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
