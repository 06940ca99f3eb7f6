import { everyLevel, isOver } from '../rollups/sql/take-marks.js'
import type { Queryable } from '../rollups/window.js'

export type InstanceHealth = {
  instance: string
  service: string | null
  version: string | null
  host: string | null
  startedAt: Date | null
  stoppedAt: Date | null
  stopReason: string | null
  delivered: number
  redelivered: number
  missing: number
  lastDeliveredAt: Date
}

export type HealthRecord = {
  /** Those that delivered in the last 24 hours, the latest first. */
  instances: InstanceHealth[]
  instancesCut: boolean
  deadLetters: { total: number; reasons: { reason: string; count: number }[] }
  /** Minutes, hours and days that wait to be summed up, and since when. */
  marks: { count: number; oldest: Date | null }
  /** Copies of `recordIn` whose transaction is not known yet. */
  inTransactions: number
}

const maxInstances = 200
/** A count that went on would only say the same: far behind. */
const maxCounted = 100_000

const instancesSql = `WITH seen AS (
  SELECT instance, sum(received)::int8 AS received, max(recorded_at) AS last_at, max(hi) AS top, range_agg(int8range(lo, hi, '[]')) AS ranges
  FROM throughline.delivered GROUP BY instance
  HAVING max(recorded_at) > now() - interval '24 hours' ORDER BY 3 DESC LIMIT ${maxInstances + 1}
), counted AS (
  SELECT *, (SELECT sum(upper(r) - lower(r)) FROM unnest(ranges) AS r)::int8 AS covered FROM seen
)
SELECT s.instance, i.service, i.version, i.host, i.started_at AS "startedAt", i.stopped_at AS "stoppedAt",
  i.stop_reason AS "stopReason", s.covered AS delivered, s.received - s.covered AS redelivered,
  greatest(0, greatest(coalesce(i.last_seq, 0), s.top) - s.covered) AS missing, s.last_at AS "lastDeliveredAt"
FROM counted AS s LEFT JOIN throughline.instances AS i USING (instance) ORDER BY s.last_at DESC, s.instance`

const maxReasons = 20

// The total is over all reasons: it is computed before LIMIT.
const deadLettersSql = `SELECT left(reason, 200) AS reason, count(*) AS count, sum(count(*)) OVER () AS total
FROM throughline.dead_letter GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${maxReasons}`

// The hour, the day and the week under way are always marked, and no backlog.
const marksSql = `SELECT count(*) AS count, min(marked_at) AS oldest
FROM (
  SELECT marked_at FROM throughline.rollup_marks WHERE ${everyLevel.map((level) => `(level = '${level}' AND ${isOver(level)})`).join(' OR ')}
  LIMIT ${maxCounted}
) AS mark`

const inTransactionsSql = `SELECT count(*) AS count FROM (SELECT FROM throughline.in_tx LIMIT ${maxCounted}) AS copy`

/** What waits and what is parked, for the picture of the whole way. */
export const readHealth = async (db: Queryable): Promise<HealthRecord> => {
  const instances = (await db.query(instancesSql)).rows as Record<string, unknown>[]
  const letters = (await db.query<{ reason: string; count: string; total: string }>(deadLettersSql)).rows
  const marks = (await db.query<{ count: string; oldest: Date | null }>(marksSql)).rows[0]!
  const waiting = (await db.query<{ count: string }>(inTransactionsSql)).rows[0]!
  return {
    instances: instances.slice(0, maxInstances).map(
      (row) =>
        ({
          ...row,
          delivered: Number(row.delivered),
          redelivered: Number(row.redelivered),
          missing: Number(row.missing),
        }) as InstanceHealth,
    ),
    instancesCut: instances.length > maxInstances,
    deadLetters: {
      total: Number(letters[0]?.total ?? 0),
      reasons: letters.map(({ reason, count }) => ({ reason, count: Number(count) })),
    },
    marks: { count: Number(marks.count), oldest: marks.oldest },
    inTransactions: Number(waiting.count),
  }
}
