import { at, itemsAt, type Place, scalarAt, scalarsBelow, type Value } from './document.js'

/** A component as a pipeline names it. */
export interface Use extends Place {
  /** `otlp_http/records` */
  id: string
  /** `otlp_http`: by today's name, also where an older one is written. */
  type: string
}

export interface Pipeline extends Place {
  id: string
  /** `traces`, `metrics`, `logs` */
  signal: string
  receivers: Use[]
  processors: Use[]
  exporters: Use[]
}

/** How data get to an exporter: by these pipelines, and, in their order, these processors. */
export interface Way {
  exporter: Use
  signal: string
  pipelines: Pipeline[]
  processors: Use[]
  /** `records`: what has to become rows; `metrics`; `pictures`: traces and logs that may be lost. */
  carries: 'records' | 'metrics' | 'pictures'
}

export interface Collector {
  root: Value
  pipelines: Pipeline[]
  ways: Way[]
  component: (section: Section, id: string) => Value | undefined
  /** All of a section that are of one type, used or not. */
  components: (section: Section, type: string) => { id: string; value: Value }[]
}

export type Section = 'receivers' | 'processors' | 'exporters' | 'connectors' | 'extensions'

const today: Record<string, string> = {
  otlp: 'otlp_grpc',
  otlphttp: 'otlp_http',
  tailsampling: 'tail_sampling',
  groupbytrace: 'group_by_trace',
  queuebatch: 'queue_batch',
  spanmetrics: 'span_metrics',
  signaltometrics: 'signal_to_metrics',
  prometheusremotewrite: 'prometheus_remote_write',
}

function typeOf(id: string): string {
  const written = id.split('/')[0] ?? id
  return today[written] ?? written
}

/** These show data to people or to a disk beside them; they promise nobody anything. */
const views = new Set(['debug', 'logging', 'file', 'nop'])

export function collectorOf(root: Value): Collector {
  const section = at(root, 'service', 'pipelines')
  const pipelines = (section?.kind === 'map' ? [...section.entries] : []).map(([id, value]) =>
    pipelineOf(id, value),
  )
  const component = (name: Section, id: string) => at(root, name, id)
  const collector: Collector = {
    root,
    pipelines,
    ways: [],
    component,
    components(name, type) {
      const found = at(root, name)
      const entries = found?.kind === 'map' ? [...found.entries] : []
      return entries.filter(([id]) => typeOf(id) === type).map(([id, value]) => ({ id, value }))
    },
  }
  const bare = pipelines.flatMap((pipeline) =>
    pipeline.exporters
      .filter(({ id, type }) => component('connectors', id) === undefined && !views.has(type))
      .flatMap((exporter) => waysInto(collector, pipeline).map((before) => wayOf(exporter, before))),
  )
  const known = bare.some((way) => leadsToRecorder(collector, way))
  collector.ways = bare.map((way) => ({ ...way, carries: carriedBy(collector, way, known) }))
  return collector
}

function pipelineOf(id: string, value: Value): Pipeline {
  const uses = (list: string): Use[] =>
    itemsAt(value, list).flatMap((item) =>
      item.kind === 'scalar'
        ? { id: item.raw, type: typeOf(item.raw), file: item.file, line: item.line }
        : [],
    )
  return {
    id,
    signal: id.split('/')[0] ?? id,
    file: value.file,
    line: value.line,
    receivers: uses('receivers'),
    processors: uses('processors'),
    exporters: uses('exporters'),
  }
}

/** The pipelines from a receiver to this one, by connectors. */
function waysInto(collector: Collector, pipeline: Pipeline, seen: readonly Pipeline[] = []): Pipeline[][] {
  if (seen.includes(pipeline)) return []
  const connectors = pipeline.receivers.filter(({ id }) => collector.component('connectors', id))
  const before = connectors.flatMap(({ id }) =>
    collector.pipelines
      .filter(({ exporters, signal }) => signal === pipeline.signal && exporters.some((one) => one.id === id))
      .flatMap((one) => waysInto(collector, one, [...seen, pipeline])),
  )
  return before.length > 0 ? before.map((way) => [...way, pipeline]) : [[pipeline]]
}

function wayOf(exporter: Use, pipelines: Pipeline[]): Omit<Way, 'carries'> {
  const signal = pipelines.at(-1)?.signal ?? ''
  return { exporter, signal, pipelines, processors: pipelines.flatMap(({ processors }) => processors) }
}

function carriedBy(collector: Collector, way: Omit<Way, 'carries'>, recorderKnown: boolean): Way['carries'] {
  if (way.signal === 'metrics') return 'metrics'
  if (way.signal !== 'traces') return 'pictures'
  // Where no way is seen to lead to the recorder, as on a Collector that hands all on to the next one, each may.
  return !recorderKnown || leadsToRecorder(collector, way) ? 'records' : 'pictures'
}

const SCOPE = 'throughline.operations'

/** By the address of the recorder, by a filter that leaves operations alone, by a route for them. */
function leadsToRecorder(
  collector: Collector,
  { exporter, signal, pipelines, processors }: Omit<Way, 'carries'>,
): boolean {
  if (signal !== 'traces') return false
  const { component } = collector
  if (
    scalarsBelow(component('exporters', exporter.id)).some(({ raw }) =>
      /THROUGHLINE_RECORDER_URL|:4400\b/.test(raw),
    )
  )
    return true
  if (/\/.*\brecord(?:s|er)?\b/.test(exporter.id)) return true
  const filtered = processors.some(({ id, type }) => {
    const conditions = type === 'filter' ? scalarsBelow(component('processors', id)) : []
    return conditions.some(({ raw }) => raw.includes(SCOPE) && raw.includes('!='))
  })
  return (
    filtered ||
    collector
      .components('connectors', 'routing')
      .some(({ value }) =>
        itemsAt(value, 'table').some(
          (route) =>
            scalarAt(route, 'condition')?.raw.includes(SCOPE) &&
            itemsAt(route, 'pipelines').some(
              (item) => item.kind === 'scalar' && pipelines.some(({ id }) => id === item.raw),
            ),
        ),
      )
  )
}
