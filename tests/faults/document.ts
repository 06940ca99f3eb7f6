import type { Account } from './audit.js'
import type { Outcome } from './engine.js'
import { quantile } from './load.js'
import { BOUNDS } from './memory.js'
import { accountLine, times } from './report.js'

export interface RunFacts {
  readonly seed: string
  readonly minutes: number
  readonly confirm: string
  readonly date: string
  readonly tookMs: number
  /** Name and version of everything that took part. */
  readonly versions: Readonly<Record<string, string>>
}

const HEAD = `# The fault matrix

Written by \`npm run faults\`. Real processes (two services, Collector, recorder, Postgres) with a TCP proxy in each hop; callers keep the
services busy and write down in a journal of their own each operation that came back. Faults happen at times that the seed decides; then
everything is mended, and once what was held back has arrived the journal is held against the table.

In each row must hold: every completed operation has exactly one row, which says what happened (outcome, money); nothing is there that
nobody asked for; every number of every instance has arrived; the rollups are the sums of the rows; memory stays within bounds (service ${BOUNDS.service}, recorder
${BOUNDS.recorder}, Collector ${BOUNDS.collector} MiB); every call to a living service is answered. How long it took to drain and what
callers waited for is written down and depends on the machine.
`

/** The page, from all rounds of a run. */
export function page(outcomes: readonly Outcome[], account: Account, facts: RunFacts): string {
  const byRow = Map.groupBy(outcomes, (outcome) => outcome.row)
  const versions = Object.entries(facts.versions).map(([name, version]) => `${name} ${version}`)
  const replay = `npm run faults -- --minutes ${facts.minutes} --seed ${facts.seed}`
  const lines = [
    HEAD,
    `\`${replay}\`, ${facts.date}, ${(facts.tookMs / 60_000).toFixed(1)} minutes, \`confirm: '${facts.confirm}'\`; ${versions.join(', ')}.`,
    '',
    '| fault | times | operations | lost | doubled | drained after, at most | p99 of a call | |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |',
  ]
  for (const [row, rounds] of byRow) {
    const ran = rounds.filter((outcome) => outcome.skipped === undefined)
    if (ran.length === 0) {
      lines.push(`| ${row.title} | | | | | | | not run: ${rounds[0]?.skipped} |`)
      continue
    }
    const sum = (of: (outcome: Outcome) => number) => ran.reduce((all, outcome) => all + of(outcome), 0)
    const drained = Math.max(...ran.map((outcome) => outcome.verdict?.drainMs ?? 0))
    const remarks = [
      ...new Set(ran.flatMap((outcome) => outcome.faults.map((fault) => `**did not hold: ${fault}**`))),
      ...new Set(ran.flatMap((outcome) => outcome.notes)),
      kinds(ran),
    ]
    lines.push(
      `| ${[
        row.title,
        sum(times).toLocaleString('en'),
        sum((outcome) => outcome.verdict?.completed ?? 0).toLocaleString('en'),
        sum((outcome) => outcome.verdict?.lost ?? 0),
        sum((outcome) => outcome.verdict?.doubled ?? 0),
        `${(drained / 1_000).toFixed(1)} s`,
        `${quantile(
          ran.map((outcome) => outcome.p99Ms),
          0.5,
        ).toFixed(0)} ms`,
        remarks.filter((text) => text !== '').join('; '),
      ].join(' | ')} |`,
    )
  }
  const peak = (part: keyof typeof BOUNDS) => Math.max(0, ...outcomes.map((outcome) => outcome.peaks[part]))
  lines.push(
    '',
    `\`throughline reconcile\` over all rows that share processes: ${accountLine(account).replace('reconcile: ', '')}.`,
    '',
    `Most memory seen: service ${peak('service')} MiB, recorder ${peak('recorder')} MiB, Collector ${peak('collector')} MiB.`,
  )
  return `${lines.join('\n')}\n`
}

/** Which kinds of a fault came how often, where there are several. */
function kinds(outcomes: readonly Outcome[]): string {
  const all = new Map<string, number>()
  for (const { injected } of outcomes)
    for (const [kind, count] of injected) all.set(kind, (all.get(kind) ?? 0) + count)
  if (all.size < 2) return ''
  return [...all].map(([kind, count]) => `${kind} ${count}`).join(', ')
}
