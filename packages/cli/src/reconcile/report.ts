import { plural } from '../terminal/plural.js'
import { bold, dim, green, red, say } from '../terminal/print.js'
import type { Account } from './reconcile.js'

/** The account as a person reads it: one paragraph an instance, then the business sums, then the verdict. */
export function printAccount({ from, to, instances, business, collector, explained }: Account): void {
  say(bold(`Records of ${from.toISOString()} to ${to.toISOString()}`))
  if (instances.length === 0) say(dim('  No instance recorded anything in this time.'))
  for (const one of instances) printInstance(one)
  if (collector !== undefined)
    say(
      `  Collector, since its start: ${plural(collector.sent, 'record')} handed to the recorder, ${collector.queued} waiting (by its queue's sizer), ${collector.refused} refused to senders, which keep them, ${collector.dropped} given up`,
    )
  if (business.length > 0) {
    say()
    say(bold('Business sums: rows against metrics'))
    for (const { name, labels, sum, metric, explained: fine, text } of business)
      say(`  ${mark(fine)} ${name} ${labelsText(labels)}  ${sum} / ${metric ?? '-'}  ${dim(text)}`)
  }
  say()
  const redelivered = instances.reduce((total, one) => total + one.redelivered, 0n)
  say(
    explained
      ? green(
          `Every difference is explained. ${plural(redelivered, 'record')} came more than once and ${redelivered === 1n ? 'is' : 'are'} stored once.`,
        )
      : red('Not every difference is explained: see the lines marked with ✘.'),
  )
}

function printInstance({
  audit,
  covered,
  redelivered,
  findings,
  metric,
}: Account['instances'][number]): void {
  const { instance, service, version, stopReason, stoppedAt, lastSeq, rows, parked, erased } = audit
  const ended =
    stopReason === null
      ? 'runs, or was killed'
      : `stopped ${stoppedAt?.toISOString() ?? ''} (${stopReason}) after number ${lastSeq ?? '?'}`
  say()
  say(`${bold(service ?? 'unknown service')}${version === null ? '' : ` ${version}`} ${dim(instance)}`)
  say(`    ${ended}`)
  say(
    `    ${plural(covered, 'record')} here: ${rows === null ? 'an unknown number of rows' : plural(rows, 'row')}, ${audit.lifecycle} lifecycle, ${parked} parked, ${audit.inTransactions} in open transactions${erased === 0n ? '' : `, ${erased} erased`}; ${redelivered} came again`,
  )
  for (const finding of findings) {
    const where = finding.ranges.map(([lo, hi]) => (lo === hi ? `${lo}` : `${lo}-${hi}`)).join(', ')
    say(`  ${mark(finding.explained)} ${finding.text}${where === '' ? '' : dim(` (${where})`)}`)
  }
  if (findings.length === 0) say(`  ${mark(true)} nothing is missing`)
  if (metric !== undefined) say(`  ${mark(metric.explained)} metrics: ${metric.text}`)
}

function mark(fine: boolean): string {
  return fine ? green('✔') : red('✘')
}

function labelsText(labels: Record<string, string>): string {
  const text = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
  return dim(`{${text.join(',')}}`)
}

/** The same for a program: numbers of any size as decimal strings. */
export function accountJson(account: Account): string {
  return JSON.stringify(
    account,
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
    2,
  )
}
