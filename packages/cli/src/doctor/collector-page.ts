/** What the Collector says of itself on its metrics page. */
export interface CollectorPage {
  /** As `0.155.0`; undefined if it does not say. */
  readonly version: string | undefined
  readonly exporters: ReadonlyMap<string, ExporterCounts>
}

export interface ExporterCounts {
  /** What waits and what may wait, in the unit of its queue; undefined without one. */
  readonly queue: { readonly size: number; readonly capacity: number } | undefined
  readonly sent: number
  /** What it gave up. */
  readonly failed: number
}

/** Undefined for a page that is not a Collector's. */
export function readCollectorPage(text: string): CollectorPage | undefined {
  if (!text.includes('otelcol_')) return undefined
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const names = new Set(lines.map((line) => /^otelcol_exporter_\w+\{.*?exporter="([^"]+)"/.exec(line)?.[1]))
  names.delete(undefined)
  return {
    version: versionIn(lines),
    exporters: new Map(
      [...names].map((name) => [
        name!,
        countsOf(lines.filter((line) => line.includes(`exporter="${name}"`))),
      ]),
    ),
  }
}

function versionIn(lines: readonly string[]): string | undefined {
  const own = lines.filter((line) => /^(?:target_info|otelcol_process_)/.test(line))
  return own.map((line) => /service_version="([^"]+)"/.exec(line)?.[1]).find((one) => one !== undefined)
}

/** Names with whatever suffix its version appends. */
function countsOf(lines: readonly string[]): ExporterCounts {
  const named = (name: string): readonly (readonly [labels: string, value: number])[] =>
    lines
      .filter((line) => line.startsWith(name))
      .map((line) => [
        line.slice(line.indexOf('{'), line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' ') + 1)),
      ])
  const sum = (name: string): number => named(name).reduce((total, [, value]) => total + value, 0)
  // One exporter in several pipelines has a queue for each signal: the fullest counts.
  const sizes = new Map(named('otelcol_exporter_queue_size'))
  const queues = named('otelcol_exporter_queue_capacity')
    .map(([labels, capacity]) => ({ size: sizes.get(labels) ?? 0, capacity }))
    .sort((a, b) => b.size / b.capacity - a.size / a.capacity)
  return {
    queue: queues[0],
    sent: sum('otelcol_exporter_sent_'),
    failed: sum('otelcol_exporter_send_failed_'),
  }
}
