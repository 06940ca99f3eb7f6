/*
 * The three sets of cells that are counted from rows. The worker and the readers share these texts, so that a minute
 * gives the same numbers from its rows and from its sums. `range` is a relation with `lo` and `hi`; the bounds beside
 * it let the planner leave out days, and OFFSET 0 keeps it at one index scan for each range.
 */
type RowCells = { range: string; lower: string; upper: string; start: string }

const rowsOf = (
  { range, lower, upper }: RowCells,
  columns: string,
  condition = 'true',
): string => `${range} AS r
  CROSS JOIN LATERAL (
    SELECT ${columns} FROM throughline.operations
    WHERE started_at >= r.lo AND started_at < r.hi AND started_at >= ${lower} AND started_at < ${upper} AND ${condition}
    OFFSET 0
  ) AS o`

const allNames = `o.service, coalesce(o.service_version, '') AS service_version, o.operation_service, o.operation,`

/** start, `names`, bucket, error (NULL of a success, empty without a type), n, sum_us, min_us, max_us. */
export const operationCells = (
  cells: RowCells,
  condition = 'true',
  names = allNames,
  grouping = '1, 2, 3, 4, 5, 6, 7',
): string => `
  SELECT ${cells.start} AS start, ${names} throughline.duration_bucket(o.duration_us) AS bucket,
    CASE WHEN NOT o.success THEN coalesce(o.error_type, '') END AS error,
    count(*) AS n, sum(o.duration_us) AS sum_us, min(o.duration_us) AS min_us, max(o.duration_us) AS max_us
  FROM ${rowsOf(cells, 'started_at, service, service_version, operation_service, operation, duration_us, success, error_type', condition)}
  GROUP BY ${grouping}`

// A value that is no plain decimal is left out rather than let the minute fail for ever; gauges are no sums, and
// kinds that are not known yet are left alone (docs/reference/record.md).
const decimal = String.raw`'^-?[0-9]{1,100}(\.[0-9]{1,100})?$'`

/** start, names, name, kind, labels, entries, observations, sum. */
export const businessCells = (cells: RowCells, condition = 'true'): string => `
  SELECT ${cells.start} AS start, o.service, o.operation_service, o.operation, e->>'name' AS name,
    coalesce(e->>'kind', 'sum') AS kind,
    CASE WHEN jsonb_typeof(e->'labels') = 'object' THEN e->'labels' ELSE '{}' END AS labels,
    count(*) AS entries,
    coalesce(sum(CASE WHEN e->>'count' ~ '^[0-9]{1,15}$' THEN (e->>'count')::int8 END), 0)::int8 AS observations,
    sum(CASE WHEN e->>'value' ~ ${decimal} THEN (e->>'value')::numeric END) AS sum
  FROM ${rowsOf(cells, 'started_at, service, operation_service, operation, business', `jsonb_typeof(business) = 'array' AND ${condition}`)}
  CROSS JOIN LATERAL jsonb_array_elements(o.business) AS e
  WHERE jsonb_typeof(e) = 'object' AND jsonb_typeof(e->'name') = 'string' AND e->>'value' ~ ${decimal}
    AND (e->>'kind' IS NULL OR e->>'kind' = 'histogram')
  GROUP BY 1, 2, 3, 4, 5, 6, 7`

/** start, operation_service, user_id, n, failures. */
export const userCells = (cells: RowCells, condition = 'true'): string => `
  SELECT ${cells.start} AS start, o.operation_service, o.user_id, count(*) AS n,
    count(*) FILTER (WHERE NOT o.success) AS failures
  FROM ${rowsOf(cells, 'started_at, operation_service, user_id, success', `user_id <> '' AND ${condition}`)}
  GROUP BY 1, 2, 3`
