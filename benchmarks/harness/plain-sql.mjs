// The questions of the API as one would write them over the rows, for a plain client: nothing of them needs the sums.
const counted = `count(*)::int AS count, count(*) FILTER (WHERE NOT success)::int AS failures, avg(duration_us) AS average, max(duration_us) AS max,
  percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_us) AS percentiles`
const rows = 'FROM throughline.operations WHERE started_at >= $1 AND started_at < $2'

/** As many statements as the page has parts; `service` is one or none. */
export function performanceSql({ from, until, service }) {
  const of = service === undefined ? '' : ' AND service = $3'
  const values = service === undefined ? [from, until] : [from, until, service]
  const before = [new Date(2 * from - until), from, ...values.slice(2)]
  const text = (select, end) => ({ text: `SELECT ${select} ${rows}${of} ${end}`, values })
  return [
    text(counted, ''),
    text(
      `date_bin('15 minutes', started_at, '2000-01-01 00:00+00') AS step, ${counted}`,
      'GROUP BY 1 ORDER BY 1',
    ),
    text(
      `service, operation_service, operation, ${counted}`,
      'GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3 LIMIT 20',
    ),
    text('error_type, count(*)', 'AND NOT success GROUP BY 1 ORDER BY 2 DESC'),
    text('service, service_version, min(started_at), max(started_at), count(*)', 'GROUP BY 1, 2'),
    text('started_at, trace_id, span_id, duration_us', 'ORDER BY duration_us DESC LIMIT 10'),
    { text: `SELECT ${counted} ${rows}${of}`, values: before },
  ]
}

export function businessSql({ from, until }) {
  return [
    {
      text: `SELECT e->>'name', e->'labels', sum((e->>'value')::numeric)::text AS sum, count(*)::int AS entries
        FROM throughline.operations, jsonb_array_elements(business) AS e WHERE started_at >= $1 AND started_at < $2 GROUP BY 1, 2`,
      values: [from, until],
    },
  ]
}

export function compareSql({ from, until }) {
  const values = [from, until]
  return [
    {
      text: `SELECT service_version AS version, min(started_at), max(started_at), ${counted} ${rows} GROUP BY 1`,
      values,
    },
    {
      text: `SELECT service_version AS version, sum(n), sum(f), sum(f * f), sum(n * n), sum(l), sum(l * l), sum(l2) FROM (
          SELECT service_version, count(*) AS n, count(*) FILTER (WHERE NOT success) AS f, sum(ln(duration_us)) FILTER (WHERE success) AS l,
            sum(ln(duration_us) * ln(duration_us)) FILTER (WHERE success) AS l2 ${rows} GROUP BY 1, date_bin('1 minute', started_at, '2000-01-01 00:00+00')
        ) AS minute GROUP BY 1`,
      values,
    },
    {
      text: `SELECT service_version AS version, e->>'name', sum((e->>'value')::numeric), sum(((e->>'value')::float8) ^ 2)
        FROM throughline.operations, jsonb_array_elements(business) AS e WHERE started_at >= $1 AND started_at < $2 AND success GROUP BY 1, 2`,
      values,
    },
  ]
}

const boundsUs = [500, 1e3, 2500, 5e3, 1e4, 25e3, 5e4, 1e5, 25e4, 5e5, 1e6, 2.5e6, 5e6, 1e7, 3e7, 6e7]

export function prometheusSql({ from, until }) {
  return [
    {
      text: `SELECT service, operation_service, operation, success, width_bucket(duration_us, ARRAY[${boundsUs}]::int8[]) AS bound, count(*), sum(duration_us)
        ${rows} GROUP BY 1, 2, 3, 4, 5`,
      values: [from, until],
    },
  ]
}

export function correlationSql(id) {
  return [
    {
      text: 'SELECT * FROM throughline.operations WHERE correlation_id = $1 ORDER BY started_at, trace_id, span_id',
      values: [id],
    },
  ]
}
