import type { Queryable } from '../rollups/window.js'
import { timeText } from './operation-columns.js'
import { filterCondition, parametersOf } from './operation-filter.js'

/** What all operations of one correlation ID are together. */
export type StoryRecord = {
  startedAt: string
  endedAt: string
  durationMs: number
  count: number
  failures: number
  /** In the order of their first operation. */
  services: string[]
  users: string[]
  traces: string[]
  /** Exact sums by name and currency; gauges are no sums. */
  business: { name: string; currency: string | null; total: string; entries: number }[]
}

/** Operations that are summed up at most: one ID has tens, a batch job thousands. */
const maxOperations = 100_000
/** Entries of each list. */
const maxListed = 100

const decimal = String.raw`'^-?[0-9]{1,100}(\.[0-9]{1,100})?$'`

const firstOf = (column: string, text = column): string => `(
    SELECT coalesce(array_agg(${text} ORDER BY first, ${column}), '{}')
    FROM (SELECT ${column}, min(started_at) AS first FROM one WHERE ${column} IS NOT NULL GROUP BY 1 ORDER BY 2, 1 LIMIT ${maxListed}) AS part
  )`

/** Null: there is no operation of that ID in the window. `cut`: there were more than are summed up. */
export const readStory = async (
  db: Queryable,
  filter: { correlationId: string; from?: Date | undefined; until?: Date | undefined },
): Promise<{ story: StoryRecord; cut: boolean } | null> => {
  const parameters = parametersOf()
  const condition = filterCondition(filter, parameters)
  const { rows } = await db.query<
    Omit<StoryRecord, 'count' | 'failures'> & { count: string; failures: string }
  >(
    `WITH one AS MATERIALIZED (
  SELECT started_at, duration_us, success, service, user_id, trace_id, business
  FROM throughline.operations WHERE ${condition} LIMIT ${maxOperations + 1}
), value AS (
  SELECT e ->> 'name' AS name, e -> 'labels' ->> 'currency' AS currency, sum((e ->> 'value')::numeric)::text AS total, count(*) AS entries
  FROM one, jsonb_array_elements(CASE WHEN jsonb_typeof(business) = 'array' THEN business ELSE '[]' END) AS e
  WHERE e ->> 'name' IS NOT NULL AND e ->> 'kind' IS NULL AND CASE WHEN e ->> 'value' ~ ${decimal} THEN true ELSE false END
  GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ${maxListed}
)
SELECT ${timeText('min(started_at)')} AS "startedAt",
  ${timeText(`max(started_at + duration_us * interval '1 microsecond')`)} AS "endedAt",
  extract(epoch FROM max(started_at + duration_us * interval '1 microsecond') - min(started_at))::float8 * 1000 AS "durationMs",
  count(*) AS count, count(*) FILTER (WHERE NOT success) AS failures,
  ${firstOf('service')} AS services, ${firstOf('user_id')} AS users, ${firstOf('trace_id', `replace(trace_id::text, '-', '')`)} AS traces,
  (SELECT coalesce(json_agg(json_build_object('name', name, 'currency', currency, 'total', total, 'entries', entries)), '[]') FROM value) AS business
FROM one HAVING count(*) > 0`,
    parameters.values,
  )
  const row = rows[0]
  if (row === undefined) return null
  const count = Number(row.count)
  return { story: { ...row, count, failures: Number(row.failures) }, cut: count > maxOperations }
}
