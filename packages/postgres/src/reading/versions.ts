import type { Queryable } from '../rollups/window.js'

export type VersionRecord = {
  service: string
  version: string | null
  /** To the minute, of all time. */
  firstSeen: Date
  lastSeen: Date
  /** Operations in the window. */
  count: number
}

/**
 * The versions that had operations in a window, oldest first, at most 200. From the sums per service and version: what
 * is not summed up yet is not in it.
 */
export const readVersions = async (
  db: Queryable,
  query: { from: Date; until: Date; service?: string | undefined },
): Promise<VersionRecord[]> => {
  const { rows } = await db.query<Omit<VersionRecord, 'count'> & { count: string }>(
    `WITH inside AS MATERIALIZED (
  SELECT service, service_version, sum(count) AS count, max(start) AS last_hour FROM throughline.rollup_operations
  WHERE grain = 's' AND level = 'h' AND start >= throughline.hour_of($1::timestamptz) AND start < $2::timestamptz
    AND ($3::text IS NULL OR service = $3)
  GROUP BY 1, 2
), first_day AS (
  SELECT i.service, i.service_version, min(r.start) AS start
  FROM inside AS i JOIN throughline.rollup_operations AS r
    ON r.grain = 's' AND r.level = 'd' AND r.service = i.service AND r.service_version = i.service_version
  GROUP BY 1, 2
), first_hour AS (
  SELECT i.*, coalesce((
    SELECT min(h.start) FROM throughline.rollup_operations AS h
    WHERE h.grain = 's' AND h.level = 'h' AND h.start >= least(f.start, throughline.hour_of($1::timestamptz))
      AND h.start < least(f.start, throughline.hour_of($1::timestamptz)) + interval '48 hours'
      AND h.service = i.service AND h.service_version = i.service_version
  ), i.last_hour) AS start
  FROM inside AS i LEFT JOIN first_day AS f USING (service, service_version)
)
SELECT i.service, nullif(i.service_version, '') AS version, i.count::int8 AS count,
  coalesce((
    SELECT min(m.start) FROM throughline.rollup_operations AS m
    WHERE m.grain = 's' AND m.level = 'm' AND m.start >= i.start AND m.start < i.start + interval '1 hour'
      AND m.service = i.service AND m.service_version = i.service_version
  ), i.start) AS "firstSeen",
  coalesce((
    SELECT max(m.start) FROM throughline.rollup_operations AS m
    WHERE m.grain = 's' AND m.level = 'm' AND m.start >= i.last_hour AND m.start < i.last_hour + interval '1 hour'
      AND m.service = i.service AND m.service_version = i.service_version
  ), i.last_hour) AS "lastSeen"
FROM first_hour AS i
ORDER BY 4, 1, 2 LIMIT 200`,
    [query.from.toISOString(), query.until.toISOString(), query.service ?? null],
  )
  return rows.map((row) => ({ ...row, count: Number(row.count) }))
}
