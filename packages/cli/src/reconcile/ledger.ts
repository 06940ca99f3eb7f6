import type { InstanceAudit } from '@throughline/postgres/audit'
import { plural } from '../terminal/plural.js'

/** Numbers lo to hi, both included. */
export type Range = readonly [lo: bigint, hi: bigint]

/** What the places outside the database say of one instance. */
export type Elsewhere = {
  /** Numbers that its spool still holds. */
  spooled: readonly Range[]
  /** Numbers in a quarantine file: no receiver took them. */
  quarantined: readonly Range[]
  /** Records that it says it refused (`throughline.notices{reason="record_refused"}`); each has a number. */
  refused: number
  /** Requests that wait in the Collector; undefined when it was not asked. */
  collectorQueue: number | undefined
}

/** A part of what is missing, and where it is. */
export type Finding = {
  kind: 'spool' | 'quarantine' | 'refused' | 'collector' | 'unexplained' | 'rows'
  count: bigint
  explained: boolean
  /** The first ranges, for a person to look at. */
  ranges: readonly Range[]
  text: string
}

export type Ledger = {
  audit: InstanceAudit
  /** Distinct numbers that are committed. */
  covered: bigint
  /** Records that came again: received less committed numbers. */
  redelivered: bigint
  findings: readonly Finding[]
}

const maxRangesShown = 5

/**
 * Every number from 1 to the last has to be somewhere: committed, in the spool, in quarantine, refused and counted, or on its way in the
 * Collector's queue. What is in none of them is unexplained. Of an instance that never said that it stopped (it runs, or was killed) the last
 * number is the highest that any place knows.
 */
export function ledgerOf(audit: InstanceAudit, elsewhere: Elsewhere): Ledger {
  const covered = sizeOf(audit.covered)
  const highest = [...audit.covered, ...elsewhere.spooled, ...elsewhere.quarantined].reduce(
    (most, [, hi]) => (hi > most ? hi : most),
    audit.lastSeq ?? 0n,
  )
  let missing: Range[] = highest === 0n ? [] : subtract([[1n, highest]], audit.covered)
  const findings: Finding[] = []
  const explain = (kind: Finding['kind'], ranges: readonly Range[], text: (n: bigint) => string): void => {
    const inside = intersect(missing, ranges)
    const count = sizeOf(inside)
    if (count === 0n) return
    missing = subtract(missing, inside)
    findings.push({
      kind,
      count,
      explained: true,
      ranges: inside.slice(0, maxRangesShown),
      text: text(count),
    })
  }
  explain('quarantine', elsewhere.quarantined, (n) => `${n} in quarantine: no receiver took them`)
  explain('spool', elsewhere.spooled, (n) => `${n} still in its spool`)

  let left = sizeOf(missing)
  if (left > 0n && elsewhere.refused > 0) {
    const count = left < BigInt(elsewhere.refused) ? left : BigInt(elsewhere.refused)
    findings.push({
      kind: 'refused',
      count,
      explained: true,
      ranges: missing.slice(0, maxRangesShown),
      text: `${count} refused by the service itself, which counted them (record_refused)`,
    })
    left -= count
  }
  if (left > 0n) {
    const queued = (elsewhere.collectorQueue ?? 0) > 0
    findings.push({
      kind: queued ? 'collector' : 'unexplained',
      count: left,
      explained: queued,
      ranges: missing.slice(0, maxRangesShown),
      text: queued
        ? `${left} not here yet, while the Collector holds ${elsewhere.collectorQueue} bytes or requests for the recorder`
        : `${left} in no place that was asked`,
    })
  }
  if (audit.rows !== null) {
    const { lifecycle, parked, inTransactions, erased } = audit
    const expected = covered - lifecycle - parked - inTransactions - erased
    if (audit.rows !== expected)
      findings.push({
        kind: 'rows',
        count: audit.rows > expected ? audit.rows - expected : expected - audit.rows,
        explained: false,
        ranges: [],
        text: `${plural(audit.rows, 'row')}, but ${plural(covered, 'number')} committed less ${plural(lifecycle, 'lifecycle record')}, ${parked} parked, ${inTransactions} in open transactions and ${erased} erased are ${expected}`,
      })
  }
  return { audit, covered, redelivered: audit.received - covered, findings }
}

export function sizeOf(ranges: readonly Range[]): bigint {
  return ranges.reduce((sum, [lo, hi]) => sum + hi - lo + 1n, 0n)
}

/** Ascending and apart, whatever came. */
export function normalize(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
  const result: [bigint, bigint][] = []
  for (const [lo, hi] of sorted) {
    const last = result.at(-1)
    if (last === undefined || lo > last[1] + 1n) result.push([lo, hi])
    else if (hi > last[1]) last[1] = hi
  }
  return result
}

/** What of `from` is not in `taken`; both ascending and apart. */
export function subtract(from: readonly Range[], taken: readonly Range[]): Range[] {
  const result: Range[] = []
  let at = 0
  for (const [lo, hi] of from) {
    let next = lo
    while (at < taken.length && taken[at]![1] < lo) at += 1
    for (let i = at; i < taken.length && taken[i]![0] <= hi; i += 1) {
      const [takenLo, takenHi] = taken[i]!
      if (takenLo > next) result.push([next, takenLo - 1n])
      if (takenHi >= next) next = takenHi + 1n
    }
    if (next <= hi) result.push([next, hi])
  }
  return result
}

function intersect(a: readonly Range[], b: readonly Range[]): Range[] {
  const sorted = normalize(b)
  return subtract(a, subtract(a, sorted))
}
