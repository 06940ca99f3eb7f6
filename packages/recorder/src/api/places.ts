/** What another program says of itself within a second; undefined: nothing. */
export const pageOf = async (url: string): Promise<string | undefined> => {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1_000), redirect: 'error' })
    return answer.ok ? await answer.text() : undefined
  } catch {
    return undefined
  }
}

export type CollectorSays = {
  /** Bytes in the queue before the recorder. */
  queued: number
  /** Spans that the full queue refused: their senders keep them. */
  refused: number
  /** Spans that were given up. */
  dropped: number
}

const exporter = 'exporter="otlp_http/records"'

/** From the Collector's own metrics page: of the exporter that leads to the recorder. */
export const collectorSays = (page: string): CollectorSays => {
  const lines = page.split('\n').filter((line) => line.includes(exporter))
  // Whatever suffixes its version appends to the name.
  const sum = (name: string): number =>
    lines
      .filter((line) => line.startsWith(name))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  return {
    queued: sum('otelcol_exporter_queue_size'),
    refused: sum('otelcol_exporter_enqueue_failed_spans'),
    dropped: sum('otelcol_exporter_send_failed_spans'),
  }
}
