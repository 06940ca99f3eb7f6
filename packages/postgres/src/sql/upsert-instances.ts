import type { PoolClient } from 'pg'
import type { InstanceRow } from '../instance-row.js'

const at = (column: string): string => `timestamptz 'epoch' + ${column} * interval '1 microsecond'`

// LEAST and GREATEST leave NULL out, so the order of the records does not matter and repeating one changes nothing.
const statement = `INSERT INTO throughline.instances AS known
    (instance, service, version, environment, host, started_at, stopped_at, stop_reason, last_seq)
  SELECT instance, service, version, environment, host, ${at('started_us')}, ${at('stopped_us')}, stop_reason, last_seq
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::text[], $9::int8[])
    AS given (instance, service, version, environment, host, started_us, stopped_us, stop_reason, last_seq)
  ON CONFLICT (instance) DO UPDATE SET
    service = coalesce(excluded.service, known.service),
    version = coalesce(excluded.version, known.version),
    environment = coalesce(excluded.environment, known.environment),
    host = coalesce(excluded.host, known.host),
    started_at = least(known.started_at, excluded.started_at),
    stop_reason = CASE WHEN excluded.stopped_at >= coalesce(known.stopped_at, '-infinity')
      THEN coalesce(excluded.stop_reason, known.stop_reason) ELSE coalesce(known.stop_reason, excluded.stop_reason) END,
    stopped_at = greatest(known.stopped_at, excluded.stopped_at),
    last_seq = greatest(known.last_seq, excluded.last_seq)`

export const upsertInstances = async (client: PoolClient, rows: readonly InstanceRow[]): Promise<void> => {
  if (rows.length === 0) return
  await client.query(statement, [
    rows.map((row) => row.instance),
    rows.map((row) => row.service),
    rows.map((row) => row.version),
    rows.map((row) => row.environment),
    rows.map((row) => row.host),
    rows.map((row) => row.startedAtUs),
    rows.map((row) => row.stoppedAtUs),
    rows.map((row) => row.stopReason),
    rows.map((row) => row.lastSeq),
  ])
}
