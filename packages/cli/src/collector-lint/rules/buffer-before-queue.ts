import type { Collector, Use } from '../collector.js'
import { scalarAt } from '../document.js'
import type { Rule } from '../rule.js'

const buffers = new Set(['batch', 'group_by_trace', 'queue_batch'])

export const bufferBeforeQueue: Rule = {
  name: 'buffer-before-queue',
  reason:
    'It answers 200 when the data are in its memory: a crash or a full queue behind it loses what the sender has already forgotten.',
  mend: 'Take it out of the pipeline and batch behind the queue: sending_queue: {batch: {…}} of the exporter.',
  check(collector) {
    return collector.ways
      .filter(
        ({ carries, exporter }) =>
          carries === 'records' || (carries === 'metrics' && persists(collector, exporter)),
      )
      .flatMap(({ carries, exporter, processors }) =>
        processors
          .filter(({ type }) => buffers.has(type))
          .map((use) => ({
            place: use,
            severity: carries === 'records' ? ('error' as const) : ('warning' as const),
            what: `${use.id} stands before the queue of ${exporter.id}`,
          })),
      )
  },
}

function persists({ component }: Collector, { id }: Use): boolean {
  return scalarAt(component('exporters', id), 'sending_queue', 'storage') !== undefined
}
