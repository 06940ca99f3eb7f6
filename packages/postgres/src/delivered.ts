import type { Pool } from 'pg'

type RangesOptions = {
  /** Only ranges that end after this number. Default 0: all. */
  after?: bigint
  /** At most so many, the lowest. Default 1,000. */
  limit?: number
}

// A range begins where nothing before it reaches: all earlier ends are at least two lower than its start.
const statement = `SELECT min(lo) AS lo, max(hi) AS hi FROM (
  SELECT lo, hi, count(*) FILTER (WHERE reached IS NULL OR lo - 1 > reached) OVER (ORDER BY lo, hi) AS island FROM (
    SELECT lo, hi, max(hi) OVER (ORDER BY lo, hi ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM throughline.delivered WHERE instance = $1 AND hi > $2
  ) AS piece
) AS marked GROUP BY island ORDER BY lo LIMIT $3`

/**
 * The numbers of an instance whose records are committed (stored, known before, or parked), as inclusive ranges that
 * neither touch nor overlap, ascending. None for an instance that is not known.
 */
export const deliveredRanges = async (
  pool: Pick<Pool, 'query'>,
  instance: string,
  options: RangesOptions = {},
): Promise<[bigint, bigint][]> => {
  const result = await pool.query<{ lo: string; hi: string }>({
    name: 'throughline.delivered_ranges',
    text: statement,
    values: [instance, options.after ?? 0n, options.limit ?? 1_000],
  })
  return result.rows.map(({ lo, hi }) => [BigInt(lo), BigInt(hi)])
}
