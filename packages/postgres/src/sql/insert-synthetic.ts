import type { PoolClient } from 'pg'
import { cleanText, cutText } from '../clean-text.js'
import type { SyntheticRecord } from '../synthetic-record.js'

/** So many of one batch; with those that are kept at most 1,000. They are for looking, and nobody is promised that they stay. */
const mostOfBatch = 100
const kept = 900

const textBytes = 512
// Year 3000: beyond it a clock is wrong, and what Postgres cannot store would fail the whole batch.
const maxTimeUs = 32_503_680_000_000_000n

const statement = `WITH recent AS (
    SELECT id FROM throughline.synthetic_operations WHERE recorded_at > clock_timestamp() - interval '1 hour'
    ORDER BY recorded_at DESC LIMIT ${kept}
  ), gone AS (
    DELETE FROM throughline.synthetic_operations WHERE id NOT IN (SELECT id FROM recent)
  )
  INSERT INTO throughline.synthetic_operations (id, service, started_at, received_at)
  SELECT id, service, timestamptz 'epoch' + started_us * interval '1 microsecond',
    timestamptz 'epoch' + received_us * interval '1 microsecond'
  FROM unnest($1::uuid[], $2::text[], $3::int8[], $4::int8[]) AS given (id, service, started_us, received_us)
  ON CONFLICT (id) DO NOTHING`

/** Sorted, as everything that two writers may hold at once. */
export const insertSynthetic = async (
  client: PoolClient,
  records: readonly SyntheticRecord[],
): Promise<void> => {
  if (records.length === 0) return
  const rows = records.slice(0, mostOfBatch).sort((a, b) => (a.id < b.id ? -1 : 1))
  await client.query(statement, [
    rows.map((row) => row.id),
    rows.map((row) => cutText(cleanText(row.service), textBytes)),
    rows.map(({ startedAtUs }) => (startedAtUs >= 0n && startedAtUs <= maxTimeUs ? startedAtUs : null)),
    rows.map((row) => row.receivedAtUs),
  ])
}
