import { auditInstances, type BusinessSum, businessSums } from '@throughline/postgres/audit'
import type pg from 'pg'
import { cloudWatchPoints } from '../stack/lookups.js'
import { cloudWatchBusiness } from './cloudwatch.js'
import { type CollectorCounts, collectorCounts } from './collector.js'
import { type Finding, type Ledger, ledgerOf } from './ledger.js'
import { type PrometheusCounts, prometheusBusiness, prometheusCounts } from './prometheus.js'
import { readSpools } from './spools.js'

/** Where to ask. The database is the only one that is needed: each further place explains more. */
export type Places = {
  pool: pg.Pool
  from: Date
  to: Date
  /** Spool folders that this machine can read. */
  spools: readonly string[]
  /** URL of the Collector's own metrics page. */
  collector: string | undefined
  prometheus: string | undefined
  /** Base URL of the CloudWatch stand-in of the local stack. */
  cloudwatch: string | undefined
}

export type BusinessLine = BusinessSum & {
  /** What the metric says; undefined when there is no such series. */
  metric: number | undefined
  explained: boolean
  text: string
}

export type Account = {
  from: Date
  to: Date
  instances: (Ledger & { metric: MetricLine | undefined })[]
  business: BusinessLine[]
  collector: CollectorCounts | undefined
  /** Whether every difference has an explanation. */
  explained: boolean
}

/** The count of operations that the metrics tell, beside the records. */
export type MetricLine = { operations: number; records: bigint; explained: boolean; text: string }

export async function reconcile(places: Places): Promise<Account> {
  const { pool, from, to } = places
  const [audits, spools, collector, prometheus] = await Promise.all([
    auditInstances(pool, { from, to }),
    readSpools(places.spools),
    places.collector === undefined ? undefined : collectorCounts(places.collector),
    places.prometheus === undefined ? undefined : prometheusCounts(places.prometheus, { from }),
  ])
  const instances = audits.map((audit) => {
    const ledger = ledgerOf(audit, {
      spooled: spools.get(audit.instance)?.pending ?? [],
      quarantined: spools.get(audit.instance)?.quarantined ?? [],
      refused: prometheus?.refused.get(audit.instance) ?? 0,
      collectorQueue: collector?.queued,
    })
    return { ...ledger, metric: metricLine(ledger, prometheus) }
  })
  const since = audits
    .map(({ startedAt }) => Number(startedAt ?? from))
    .reduce((a, b) => Math.min(a, b), Number(from))
  const known = new Set(audits.map(({ instance }) => instance))
  const sums = known.size === 0 ? [] : await businessSums(pool, [...known], new Date(since))
  const whole = instances.every(({ audit, findings }) => audit.lastSeq !== null && findings.length === 0)
  const business = await businessLines(places, known, sums, whole)
  const explained = [...instances.flatMap(allFindings), ...business].every((one) => one.explained)
  return { from, to, instances, business, collector, explained }
}

function allFindings({ findings, metric }: Account['instances'][number]): (Finding | MetricLine)[] {
  return metric === undefined ? [...findings] : [...findings, metric]
}

/**
 * Metrics are the fast summary, sent every few seconds: of an instance that was killed or still runs they end at the last export. Of one that
 * stopped by itself they have to hold every record.
 */
function metricLine(ledger: Ledger, prometheus: PrometheusCounts | undefined): MetricLine | undefined {
  const operations = prometheus?.operations.get(ledger.audit.instance)
  if (operations === undefined) return undefined
  const records = ledger.covered - ledger.audit.lifecycle
  const line = { operations, records }
  const difference = BigInt(Math.round(operations)) - records
  if (difference === 0n) return { ...line, explained: true, text: 'as many in the metrics' }
  if (difference > 0n) {
    const missing = ledger.findings.reduce((sum, { count }) => sum + count, 0n)
    const what =
      missing > 0n
        ? 'not here, as said above, or without a row (record: false)'
        : 'without a row (record: false)'
    return { ...line, explained: true, text: `${difference} more in the metrics: ${what}` }
  }
  if (ledger.audit.stopReason === null)
    return {
      ...line,
      explained: true,
      text: `${-difference} fewer in the metrics: it runs or was killed, and they end at its last export`,
    }
  return {
    ...line,
    explained: false,
    text: `${-difference} fewer in the metrics, though it stopped by itself`,
  }
}

async function businessLines(
  places: Places,
  instances: ReadonlySet<string>,
  sums: readonly BusinessSum[],
  whole: boolean,
): Promise<BusinessLine[]> {
  const { prometheus, cloudwatch, from } = places
  if (prometheus === undefined && cloudwatch === undefined) return []
  const points = cloudwatch === undefined ? [] : await cloudWatchPoints(cloudwatch)
  const lines: BusinessLine[] = []
  for (const sum of sums) {
    const metric =
      (prometheus === undefined
        ? undefined
        : await prometheusBusiness(prometheus, { from }, instances, sum)) ??
      cloudWatchBusiness(points, instances, sum)
    lines.push({ ...sum, metric, ...comparison(Number(sum.sum), metric, whole) })
  }
  return lines
}

/** Floating point brings the metric to 15 digits; the rows are exact. */
const TOLERANCE = 1e-9

/** `whole`: every instance stopped by itself and nothing of it is missing, so that a lower metric has no excuse. */
function comparison(
  rows: number,
  metric: number | undefined,
  whole: boolean,
): { explained: boolean; text: string } {
  if (metric === undefined) return { explained: true, text: 'no such series where it was looked for' }
  const difference = metric - rows
  if (Math.abs(difference) <= TOLERANCE * Math.max(1, Math.abs(rows)))
    return { explained: true, text: 'the same' }
  if (difference > 0)
    return {
      explained: true,
      text: 'the metric has more: measured outside of operations, or rows still to come',
    }
  return whole
    ? { explained: false, text: 'the rows have more, though every instance stopped by itself' }
    : {
        explained: true,
        text: 'the rows have more: an instance runs or was killed, and its metrics end at the last export',
      }
}
