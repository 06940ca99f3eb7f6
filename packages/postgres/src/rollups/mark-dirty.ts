import type { OperationRow } from '../operation-row.js'

const minuteUs = 60_000_000n

type Connection = { query: (query: { name: string; text: string; values: unknown[] }) => Promise<unknown> }

const statement = 'INSERT INTO throughline.rollup_marks (start) SELECT unnest($1::timestamptz[])'

/**
 * Says that the minutes of these rows are to be summed up again. Must run in the transaction that stores them: then a
 * mark is seen if and only if its rows are. Rows that were known already need none.
 */
export const markDirty = async (
  client: Connection,
  rows: readonly Pick<OperationRow, 'startedAtUs'>[],
): Promise<void> => {
  const minutes = new Set<bigint>()
  for (const row of rows) minutes.add(row.startedAtUs / minuteUs)
  if (minutes.size === 0) return
  const starts = [...minutes].map((minute) => new Date(Number(minute) * 60_000).toISOString())
  await client.query({ name: 'throughline.mark_dirty', text: statement, values: [starts] })
}
