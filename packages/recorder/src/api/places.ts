/** What another program says of itself within a second; undefined: nothing. */
export const pageOf = async (url: string): Promise<string | undefined> => {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1_000), redirect: 'error' })
    return answer.ok ? await answer.text() : undefined
  } catch {
    return undefined
  }
}

/** What the Collector counts of one of its exporters since it was started. */
export type ExporterSays = {
  /** What waits in its queue: bytes or data points, by its sizer. */
  queued: number
  sent: number
  /** What the full queue refused. */
  refused: number
  /** What was given up. */
  dropped: number
}

/** From the Collector's own metrics page; undefined for an exporter that it does not name. */
export const exporterSays = (page: string, exporter: string): ExporterSays | undefined => {
  const lines = page.split('\n').filter((line) => line.includes(`exporter="${exporter}"`))
  if (lines.length === 0) return undefined
  // Spans or metric points, and whatever suffixes its version appends to the name.
  const sum = (name: string): number =>
    lines
      .filter((line) => line.startsWith(name))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  return {
    queued: sum('otelcol_exporter_queue_size'),
    sent: sum('otelcol_exporter_sent_'),
    refused: sum('otelcol_exporter_enqueue_failed_'),
    dropped: sum('otelcol_exporter_send_failed_'),
  }
}
