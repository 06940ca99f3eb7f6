/*
 * The sets of cells that are counted from rows. The worker and the readers share these texts, so that a minute
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

/** start, `names`, bucket, error (NULL of a success, empty without a type), n, sum_us, min_us, max_us, and what is `further`. */
export const operationCells = (
  cells: RowCells,
  condition = 'true',
  names = allNames,
  grouping = '1, 2, 3, 4, 5, 6, 7',
  further = '',
): string => `
  SELECT ${cells.start} AS start, ${names} throughline.duration_bucket(o.duration_us) AS bucket,
    CASE WHEN NOT o.success THEN coalesce(o.error_type, '') END AS error,
    count(*) AS n, sum(o.duration_us) AS sum_us, min(o.duration_us) AS min_us, max(o.duration_us) AS max_us${further}
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

/** The logarithm of the duration of `o`, for the sums of `log_sum` and `log_squares`. */
export const logDuration = 'ln(greatest(o.duration_us, 1)::float8)'

/**
 * start, service_version, count, failures, sum_us, log_sum and log_squares: what is compared of versions, without
 * histograms.
 */
export const versionCells = (cells: RowCells, condition = 'true'): string => `
  SELECT ${cells.start} AS start, coalesce(o.service_version, '') AS service_version, count(*) AS count,
    count(*) FILTER (WHERE NOT o.success) AS failures, sum(o.duration_us) AS sum_us,
    coalesce(sum(${logDuration}) FILTER (WHERE o.success), 0) AS log_sum,
    coalesce(sum(${logDuration} * ${logDuration}) FILTER (WHERE o.success), 0) AS log_squares
  FROM ${rowsOf(cells, 'started_at, service_version, duration_us, success', condition)}
  GROUP BY 1, 2`

/** start, names with the version, name, currency, operations, sum, squares: of successes, counters and money alone. */
export const versionValueCells = (cells: RowCells, condition = 'true'): string => `
  SELECT ${cells.start} AS start, ${allNames} v.name, v.currency, count(*) AS operations, sum(v.value) AS sum,
    sum(v.value * v.value) AS squares
  FROM ${rowsOf(cells, 'started_at, service, service_version, operation_service, operation, business', `success AND jsonb_typeof(business) = 'array' AND ${condition}`)}
  CROSS JOIN LATERAL (
    SELECT e->>'name' AS name, coalesce(e->'labels'->>'currency', '') AS currency,
      sum(CASE WHEN e->>'value' ~ ${decimal} THEN (e->>'value')::numeric::float8 ELSE 0 END) AS value
    FROM jsonb_array_elements(o.business) AS e WHERE e->>'name' IS NOT NULL AND e->>'kind' IS NULL GROUP BY 1, 2
  ) AS v
  GROUP BY 1, 2, 3, 4, 5, 6, 7`

/** start, operation_service, user_id, n, failures. */
export const userCells = (cells: RowCells, condition = 'true'): string => `
  SELECT ${cells.start} AS start, o.operation_service, o.user_id, count(*) AS n,
    count(*) FILTER (WHERE NOT o.success) AS failures
  FROM ${rowsOf(cells, 'started_at, operation_service, user_id, success', `user_id <> '' AND ${condition}`)}
  GROUP BY 1, 2, 3`
