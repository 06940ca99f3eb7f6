import { PostgresError } from '../errors.js'
import { partsOf } from './sql/cover.js'
import { operationCells } from './sql/row-cells.js'
import { planOf, type Queryable } from './window.js'

/** One operation of one service, with how many of its durations are within each bound. */
export type Kind = {
  service: string
  operationService: string
  operation: string
  count: number
  failures: number
  sumUs: number
  /** As many as there are bounds and one more: longer than the bound before it, at most as long as this one. */
  counts: number[]
}

export type Kinds = {
  /** All kinds since then, the most frequent first. Within one snapshot: a transaction of REPEATABLE READ. */
  read: (db: Queryable, window: { from: Date; until: Date }) => Promise<Kind[]>
}

type Unit = { level: 'd' | 'h'; start: string; count: string }
type UnitKinds = { count: string; kinds: readonly Kind[] }
type Row = {
  service: string
  operation_service: string
  operation: string
  count: string
  failures: string
  sum_us: string
  places: number[]
  counts: string[]
}

const names = 'service, operation_service, operation'
const startText = `to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`
/** Days of a month and hours of two days; a month of hours would be 45 MB at 200 kinds. */
const maxKept = 80

/**
 * Durations by a few bounds, for a page that is asked for again and again. Days and hours are kept once they were read:
 * rows are only ever added, so a unit is right while it has as many rows as it had. The first read opens every
 * histogram of the window.
 */
export const createKinds = (boundsUs: readonly number[]): Kinds => {
  if (boundsUs.length === 0) throw new PostgresError('TL_POSTGRES_OPTION', 'there are no bounds')
  // A bucket counts where its middle lies, which is where most of it does.
  const firstBeyond = boundsUs.map((us) => Math.floor(Math.log2(us) * 32 - 0.5) + 1)
  const placeOf = (bucket: string): string =>
    `width_bucket(${bucket}::int4, ARRAY[${firstBeyond.join(', ')}]::int4[])`
  let kept = new Map<string, UnitKinds>()

  const kindOf = (row: Row): Kind => {
    const counts = Array.from({ length: boundsUs.length + 1 }, () => 0)
    for (const [at, place] of row.places.entries()) counts[place]! += Number(row.counts[at])
    return {
      service: row.service,
      operationService: row.operation_service,
      operation: row.operation,
      count: Number(row.count),
      failures: Number(row.failures),
      sumUs: Number(row.sum_us),
      counts,
    }
  }

  const read: Kinds['read'] = async (db, window) => {
    const plan = planOf(window, 'fives')
    const units = await db.query<Unit>(
      `WITH ${plan.cover}
SELECT 'd' AS level, ${startText.replaceAll('start', 'r.start')} AS start, r.count::text FROM clean_day AS c
  JOIN throughline.rollup_operations AS r ON r.grain = 'a' AND r.level = 'd' AND r.start = c.start
UNION ALL
SELECT 'h', ${startText.replaceAll('start', 'r.start')}, r.count::text FROM clean_hour AS c
  JOIN throughline.rollup_operations AS r ON r.grain = 'a' AND r.level = 'h' AND r.start = c.start`,
      plan.values,
    )
    const fresh = new Map<string, UnitKinds>()
    const all: Kind[] = []
    const missing = units.rows.filter((unit) => kept.get(keyOf(unit))?.count !== unit.count)
    const found = missing.length === 0 ? new Map<string, Kind[]>() : await readUnits(db, missing)
    for (const unit of units.rows) {
      const known = kept.get(keyOf(unit))
      const kinds = known?.count === unit.count ? known.kinds : (found.get(keyOf(unit)) ?? [])
      if (fresh.size < maxKept) fresh.set(keyOf(unit), { count: unit.count, kinds })
      all.push(...kinds)
    }
    kept = fresh
    all.push(...(await readRest(db, window)))
    return summed(all)
  }

  const opened = (source: string): string => `
  SELECT part.at, ${prefixed('part')}, part.count, part.failures, part.sum_us, c.places, c.counts
  FROM (${source}) AS part CROSS JOIN LATERAL (
    SELECT array_agg(place) AS places, array_agg(n) AS counts FROM (
      SELECT ${placeOf('b.bucket')} AS place, sum(b.n)::int8 AS n FROM unnest(part.buckets, part.bucket_counts) AS b(bucket, n) GROUP BY 1
    ) AS u
  ) AS c`

  const readUnits = async (db: Queryable, units: readonly Unit[]): Promise<Map<string, Kind[]>> => {
    const source = `SELECT u.level || u.start AS at, ${prefixed('r')}, r.count, r.failures, r.sum_us, r.buckets, r.bucket_counts
    FROM unnest($1::text[], $2::text[]) AS u(level, start) CROSS JOIN LATERAL (
      SELECT * FROM throughline.rollup_operations WHERE grain = 'o' AND level = u.level::"char" AND start = u.start::timestamptz OFFSET 0
    ) AS r`
    const { rows } = await db.query<Row & { at: string }>(opened(source), [
      units.map(({ level }) => level),
      units.map(({ start }) => start),
    ])
    const found = new Map<string, Kind[]>()
    for (const { level, start } of units) found.set(`${level}${start}`, [])
    for (const row of rows) found.get(row.at)?.push(kindOf(row))
    return found
  }

  /** What is in no whole hour: five minutes, minutes and rows. */
  const readRest = async (db: Queryable, window: { from: Date; until: Date }): Promise<Kind[]> => {
    const plan = planOf(window, 'fives')
    const columns = `${prefixed('r')}, r.count, r.failures, r.sum_us, r.buckets, r.bucket_counts`
    const parts = partsOf('rollup_operations', `NULL::text AS at, ${columns}`, `r.level IN ('f', 'm')`)
    const live = operationCells(
      { range: 'row_range', lower: '$1::timestamptz', upper: '$2::timestamptz', start: '$1::timestamptz' },
      'true',
      'o.service, o.operation_service, o.operation,',
      '1, 2, 3, 4, 5, 6',
    )
    const { rows } = await db.query<Row>(
      `WITH ${plan.cover}
${opened(parts)}
UNION ALL
SELECT NULL, ${names}, sum(n)::int8, coalesce(sum(failed), 0)::int8, sum(sum_us), array_agg(place), array_agg(n)
FROM (
  SELECT ${names}, ${placeOf('bucket')} AS place, sum(n)::int8 AS n, sum(n) FILTER (WHERE error IS NOT NULL) AS failed, sum(sum_us) AS sum_us
  FROM (${live}) AS counted GROUP BY ${names}, place
) AS placed GROUP BY ${names}`,
      plan.values,
    )
    return rows.map(kindOf)
  }
  return { read }
}

const keyOf = ({ level, start }: Unit): string => `${level}${start}`
const prefixed = (relation: string): string =>
  names
    .split(', ')
    .map((name) => `${relation}.${name}`)
    .join(', ')

const summed = (kinds: readonly Kind[]): Kind[] => {
  const totals = new Map<string, Kind>()
  for (const one of kinds) {
    const key = `${one.service}\0${one.operationService}\0${one.operation}`
    const total = totals.get(key)
    if (total === undefined) {
      totals.set(key, { ...one, counts: [...one.counts] })
      continue
    }
    total.count += one.count
    total.failures += one.failures
    total.sumUs += one.sumUs
    for (const [at, count] of one.counts.entries()) total.counts[at]! += count
  }
  return [...totals.entries()]
    .sort(([a, one], [b, other]) => other.count - one.count || (a < b ? -1 : 1))
    .map(([, kind]) => kind)
}
