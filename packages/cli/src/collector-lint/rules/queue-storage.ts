import { at, itemsAt, scalarAt } from '../document.js'
import type { Rule } from '../rule.js'

/** These have no sending queue of their own, or one of another kind. */
const without = new Set(['prometheus', 'prometheus_remote_write', 'awsemf', 'load_balancing', 'kafka'])

export const queueStorage: Rule = {
  name: 'queue-storage',
  reason:
    'The queue is in memory: everything in it is gone when the Collector is killed, restarted or moved.',
  mend: 'sending_queue: {enabled: true, storage: file_storage/…}, and that extension in service.extensions.',
  check({ root, ways, component }) {
    const started = itemsAt(root, 'service', 'extensions').flatMap((item) =>
      item.kind === 'scalar' ? item.raw : [],
    )
    return ways
      .filter(({ carries, exporter }) => carries !== 'pictures' && !without.has(exporter.type))
      .flatMap(({ carries, exporter }) => {
        const value = component('exporters', exporter.id)
        if (value === undefined) return []
        const severity = carries === 'records' ? ('error' as const) : ('warning' as const)
        const fault = (place: typeof value, what: string) => [{ place, severity, what }]
        const enabled = scalarAt(value, 'sending_queue', 'enabled')
        if (enabled?.text === 'false') return fault(enabled, `${exporter.id} has no queue`)
        const storage = scalarAt(value, 'sending_queue', 'storage')
        if (storage === undefined)
          return fault(at(value, 'sending_queue') ?? value, `the queue of ${exporter.id} has no storage`)
        // Lists are replaced when files are merged, and so this one is easily forgotten.
        if (!started.includes(storage.raw))
          return fault(storage, `${storage.raw}, the storage of ${exporter.id}, is not in service.extensions`)
        return []
      })
  },
}
