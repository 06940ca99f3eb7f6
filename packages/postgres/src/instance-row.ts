import { cleanText, cutText } from './clean-text.js'
import type { LifecycleRecord } from './lifecycle.js'

/** What lifecycle records tell about one instance; NULL where they do not. */
export type InstanceRow = {
  instance: string
  service: string | null
  version: string | null
  environment: string | null
  host: string | null
  startedAtUs: bigint | null
  stoppedAtUs: bigint | null
  stopReason: string | null
  lastSeq: bigint | null
}

const textBytes = 512
const maxInt8 = 2n ** 63n - 1n
// Year 3000: beyond it a clock is wrong, and what Postgres cannot store would fail the whole batch.
const maxTimeUs = 32_503_680_000_000_000n

const text = (value: string | null): string | null =>
  value === null ? null : cutText(cleanText(value), textBytes)
const time = (us: bigint): bigint | null => (us >= 0n && us <= maxTimeUs ? us : null)
const least = (a: bigint | null, b: bigint | null): bigint | null =>
  a === null ? b : b === null || a < b ? a : b
const greatest = (a: bigint | null, b: bigint | null): bigint | null =>
  a === null ? b : b === null || a > b ? a : b

/**
 * One row an instance, sorted: a statement may touch a row once, and two writers that hold the same instances in
 * another order would deadlock.
 */
export const instanceRows = (records: readonly LifecycleRecord[]): InstanceRow[] => {
  const rows = new Map<string, InstanceRow>()
  for (const record of records) {
    const row = rowOf(record)
    const known = rows.get(row.instance)
    rows.set(row.instance, known === undefined ? row : joined(known, row))
  }
  return [...rows.values()].sort((a, b) => (a.instance < b.instance ? -1 : 1))
}

const rowOf = (record: LifecycleRecord): InstanceRow => ({
  instance: record.instance.toLowerCase(),
  service: text(record.service),
  version: text(record.serviceVersion),
  environment: text(record.environment),
  host: text(record.host),
  startedAtUs: record.event === 'start' ? time(record.atUs) : null,
  stoppedAtUs: record.event === 'stop' ? time(record.atUs) : null,
  stopReason: text(record.stopReason),
  lastSeq:
    record.lastSeq !== null && record.lastSeq >= 0n && record.lastSeq <= maxInt8 ? record.lastSeq : null,
})

const joined = (a: InstanceRow, b: InstanceRow): InstanceRow => {
  const later = (b.stoppedAtUs ?? -1n) >= (a.stoppedAtUs ?? -1n) ? b : a
  return {
    instance: a.instance,
    service: b.service ?? a.service,
    version: b.version ?? a.version,
    environment: b.environment ?? a.environment,
    host: b.host ?? a.host,
    startedAtUs: least(a.startedAtUs, b.startedAtUs),
    stoppedAtUs: greatest(a.stoppedAtUs, b.stoppedAtUs),
    stopReason: later.stopReason ?? a.stopReason ?? b.stopReason,
    lastSeq: greatest(a.lastSeq, b.lastSeq),
  }
}
