import { inspectSpool } from '@throughline/sdk/spool'
import { normalize, type Range } from './ledger.js'

/** What the spool folders hold of one instance. */
export type Spooled = { pending: readonly Range[]; quarantined: readonly Range[] }

/** By instance, over all the folders. Read-only: their owners may be at work. */
export async function readSpools(dirs: readonly string[]): Promise<Map<string, Spooled>> {
  const found = new Map<string, { pending: Range[]; quarantined: Range[] }>()
  for (const dir of dirs)
    for (const file of await inspectSpool(dir)) {
      let spooled = found.get(file.instance)
      if (spooled === undefined) {
        spooled = { pending: [], quarantined: [] }
        found.set(file.instance, spooled)
      }
      spooled[file.kind === 'pending' ? 'pending' : 'quarantined'].push(...file.ranges)
    }
  return new Map(
    [...found].map(([instance, { pending, quarantined }]) => [
      instance,
      { pending: normalize(pending), quarantined: normalize(quarantined) },
    ]),
  )
}
