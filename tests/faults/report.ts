import type { Account } from './audit.js'
import type { Outcome } from './engine.js'

/** One line a row, for people who watch. */
export function rowLine(outcome: Outcome): string {
  const title = outcome.row.title.length > 62 ? `${outcome.row.title.slice(0, 61)}…` : outcome.row.title
  const head = `${mark(outcome)} ${title.padEnd(63)}`
  if (outcome.skipped !== undefined) return `${head} skipped: ${outcome.skipped}`
  const { verdict } = outcome
  if (verdict === undefined) return head.trimEnd()
  return [
    head,
    `${times(outcome)} ×`.padStart(5),
    `${verdict.completed.toLocaleString('en')} operations`.padStart(18),
    `${verdict.lost} lost, ${verdict.doubled} doubled`.padStart(21),
    `drained in ${(verdict.drainMs / 1_000).toFixed(1)} s`.padStart(20),
    (outcome.p99Ms === 0 ? '' : `p99 ${outcome.p99Ms.toFixed(0)} ms`).padStart(12),
  ]
    .join(' ')
    .trimEnd()
}

/** What did not hold, and how to see it again. */
export function faultLines(outcome: Outcome, again: string): string[] {
  if (outcome.faults.length === 0) return outcome.notes.map((note) => `    ${note}`)
  return [...outcome.faults.map((fault) => `    ${fault}`), `    again: ${again} --only ${outcome.row.id}`]
}

export function times(outcome: Outcome): number {
  return [...outcome.injected.values()].reduce((sum, n) => sum + n, 0)
}

function mark(outcome: Outcome): string {
  if (outcome.skipped !== undefined) return '–'
  return outcome.faults.length === 0 ? '✔' : '✘'
}

/** What `throughline reconcile` says of the whole run. */
export function accountLine({ instances, redelivered, unexplained, explained }: Account): string {
  const all = `${instances} instances, ${redelivered} records redelivered`
  return explained
    ? `reconcile: ${all}, every difference explained`
    : `reconcile: ${all}, ${unexplained} records are nowhere`
}

/** The last words. */
export function summary(outcomes: readonly Outcome[], tookMs: number): string {
  const ran = outcomes.filter((outcome) => outcome.skipped === undefined)
  const sum = (of: (outcome: Outcome) => number) => ran.reduce((all, outcome) => all + of(outcome), 0)
  const failed = ran.filter((outcome) => outcome.faults.length > 0)
  const lost = (named: boolean) =>
    sum((outcome) => (outcome.mayLose === named ? (outcome.verdict?.lost ?? 0) : 0))
  const counts = [
    `${sum(times)} faults`,
    `${sum((outcome) => outcome.verdict?.completed ?? 0).toLocaleString('en')} operations`,
    `${lost(false)} lost`,
    `${sum((outcome) => outcome.verdict?.doubled ?? 0)} doubled`,
    ...(lost(true) > 0 ? [`${lost(true)} through the named hole`] : []),
    `${(tookMs / 1_000).toFixed(0)} s`,
  ]
  const verdict =
    failed.length === 0
      ? 'All held.'
      : `Did not hold: ${[...new Set(failed.map((outcome) => outcome.row.id))].join(', ')}.`
  return `${verdict} ${counts.join(', ')}.`
}
