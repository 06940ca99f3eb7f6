import type { NoticeReason } from '@throughline/core/runtime'

/** Reasons of core and our own. Each is counted in `throughline.notices{reason}`. */
export type SdkReason =
  | NoticeReason
  | 'adoption_failed'
  | 'confirm_failed'
  | 'exemplar_label_dropped'
  | 'loaded_too_early'
  | 'metric_name_taken'
  | 'metrics_export_failed'
  | 'otel_error'
  | 'record_dropped'
  | 'record_quarantined'
  | 'record_refused'
  | 'record_resent'
  | 'series_overflow'
  | 'ship_refused'
  | 'spans_dropped'
  | 'spool_damaged'
  | 'spool_slow'
  | 'spool_volatile'
  | 'spool_write_failed'

/** 200 different details are named; after that a reason is only counted. */
const MAX_NAMED = 200

/** Counts what was refused, dropped or replaced, and names each case once. */
export interface Notices {
  note(reason: SdkReason, detail: string, count?: number): void
  counts(): ReadonlyMap<SdkReason, number>
}

export function createNotices(log: (line: string) => void): Notices {
  const counts = new Map<SdkReason, number>()
  const named = new Set<string>()
  return {
    note(reason, detail, count = 1) {
      counts.set(reason, (counts.get(reason) ?? 0) + count)
      const line = `throughline: ${reason}: ${detail}`
      if (named.has(line) || named.size >= MAX_NAMED) return
      named.add(line)
      log(`${line} (said once; counted in throughline.notices)`)
    },
    counts: () => counts,
  }
}
