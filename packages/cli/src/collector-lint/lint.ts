import { collectorOf } from './collector.js'
import { readCollector } from './document.js'
import type { Finding, Rule } from './rule.js'
import { bufferBeforeQueue } from './rules/buffer-before-queue.js'
import { defaultRoute } from './rules/default-route.js'
import { emfRollup } from './rules/emf-rollup.js'
import { identifierAsLabel } from './rules/identifier-as-label.js'
import { queueFsync } from './rules/queue-fsync.js'
import { queueStorage } from './rules/queue-storage.js'
import { recordsToken } from './rules/records-token.js'
import { retryLimit } from './rules/retry-limit.js'
import { samplingBeforeRecords } from './rules/sampling-before-records.js'
import { sigv4Service } from './rules/sigv4-service.js'
import { undefinedComponent } from './rules/undefined-component.js'

export const rules: readonly Rule[] = [
  undefinedComponent,
  bufferBeforeQueue,
  samplingBeforeRecords,
  queueStorage,
  queueFsync,
  retryLimit,
  recordsToken,
  defaultRoute,
  sigv4Service,
  emfRollup,
  identifierAsLabel,
]

/** What loses data or money in the files, merged in their order; by file and line. Throws `TL_USAGE` for a file that is none. */
export function lintCollector(files: readonly string[]): Finding[] {
  const collector = collectorOf(readCollector(files))
  const findings = rules.flatMap(({ name, reason, mend, check }) =>
    check(collector).map(({ place: { file, line }, severity, what }) => ({
      rule: name,
      severity,
      file,
      line,
      what,
      reason,
      mend,
    })),
  )
  const once = new Map(findings.map((one) => [`${one.rule} ${one.file} ${one.line} ${one.what}`, one]))
  return [...once.values()].sort(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.rule.localeCompare(b.rule),
  )
}
