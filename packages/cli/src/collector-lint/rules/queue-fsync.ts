import { scalarAt } from '../document.js'
import type { Rule } from '../rule.js'

export const queueFsync: Rule = {
  name: 'queue-fsync',
  reason:
    'Without fsync a 200 means "in the page cache": a power cut or a lost machine takes records that their senders forgot.',
  mend: 'fsync: true at the file_storage of the records; give other queues a storage of their own if it is too slow for them.',
  check: ({ ways, component }) =>
    ways
      .filter(({ carries }) => carries === 'records')
      .flatMap(({ exporter }) => {
        const storage = scalarAt(component('exporters', exporter.id), 'sending_queue', 'storage')
        const extension = storage && component('extensions', storage.raw)
        if (storage === undefined || extension === undefined || !/^file_storage(?:\/|$)/.test(storage.raw))
          return []
        const fsync = scalarAt(extension, 'fsync')
        if (fsync !== undefined && (fsync.text === 'true' || !fsync.known)) return []
        return [
          {
            place: fsync ?? extension,
            severity: 'error' as const,
            what: `${storage.raw}, the storage of ${exporter.id}, writes without fsync`,
          },
        ]
      }),
}
