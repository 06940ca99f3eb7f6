import { at, scalarAt } from '../document.js'
import type { Rule } from '../rule.js'

export const retryLimit: Rule = {
  name: 'retry-limit',
  reason:
    'When the time is up the Collector deletes what it holds, from the queue on disk too. The default is five minutes.',
  mend: 'retry_on_failure: {enabled: true, max_elapsed_time: 0}: the size of the queue is the limit then, and a full one refuses.',
  check: ({ ways, component }) =>
    ways
      .filter(({ carries }) => carries !== 'pictures')
      .flatMap(({ carries, exporter }) => {
        const value = component('exporters', exporter.id)
        // Only where a queue is meant to outlive an outage; one without a storage has a finding of its own.
        if (value === undefined || !scalarAt(value, 'sending_queue', 'storage')) return []
        const severity = carries === 'records' ? ('error' as const) : ('warning' as const)
        const enabled = scalarAt(value, 'retry_on_failure', 'enabled')
        if (enabled?.text === 'false')
          return [{ place: enabled, severity, what: `${exporter.id} does not repeat what failed` }]
        const limit = scalarAt(value, 'retry_on_failure', 'max_elapsed_time')
        if (limit !== undefined && (!limit.known || /^0(?:[a-z]+)?$/.test(limit.text))) return []
        const place = limit ?? at(value, 'retry_on_failure') ?? value
        const after = limit?.text ?? '5m, the default'
        return [{ place, severity, what: `${exporter.id} gives up after ${after}` }]
      }),
}
