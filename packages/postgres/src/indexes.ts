import pg from 'pg'
import { sessionGuards } from './session-guards.js'

type Index = { name: string; columns: string }

/**
 * Two of the reference's four indexes. The other two are there: its index on `created_at` is the beginning of the
 * primary key here, its index on `correlation_id` is `operations_correlation_id`.
 */
const referenceIndexes: readonly Index[] = [
  { name: 'operations_service_operation', columns: 'operation_service, operation' },
  { name: 'operations_user_performance', columns: 'user_id, started_at, success' },
]

type IndexOptions = {
  /** Longest time to connect, in ms. Default 5,000. */
  connectTimeoutMs?: number
}

// The name of a partition's index is ours, so that one which a cut run left invalid is found again.
const partitionsQuery = `SELECT c.relname AS partition, x.indisvalid AS valid
  FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
  LEFT JOIN pg_class AS child ON child.relname = c.relname || $1 AND child.relnamespace = c.relnamespace
  LEFT JOIN pg_index AS x ON x.indexrelid = child.oid
  WHERE i.inhparent = 'throughline.operations'::regclass AND NOT i.inhdetachpending
    AND NOT EXISTS (
      SELECT FROM pg_index AS own JOIN pg_inherits AS up ON up.inhrelid = own.indexrelid
      WHERE own.indrelid = c.oid AND up.inhparent = to_regclass('throughline.' || $2))
  ORDER BY c.relname`

/**
 * Adds the indexes of the reference's table that ours lacks, partition by partition, while writers write. They make a
 * row about two and a half times as dear for Postgres. A run that was cut is ended by the next one. Answers with the
 * names of the indexes that were made. The role must be a member of throughline_owner.
 */
export const addReferenceIndexes = async (
  databaseUrl: string,
  options: IndexOptions = {},
): Promise<string[]> => {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    application_name: 'throughline indexes',
    keepAlive: true,
    ...sessionGuards,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const made: string[] = []
    for (const index of referenceIndexes) if (await addIndex(client, index)) made.push(index.name)
    return made
  } finally {
    await client.end()
  }
}

/**
 * CONCURRENTLY is not to be had for a partitioned table. So: an empty index on the parent, which new partitions copy;
 * one on each partition, without keeping writers; and each attached. The parent's is valid with the last of them.
 */
const addIndex = async (client: pg.Client, { name, columns }: Index): Promise<boolean> => {
  const valid = `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass('throughline.${name}')`
  if ((await client.query(valid)).rows[0]?.valid === true) return false
  await client.query(`CREATE INDEX IF NOT EXISTS ${name} ON ONLY throughline.operations (${columns})`)
  const suffix = name.replace('operations', '')
  const { rows } = await client.query<{ partition: string; valid: boolean | null }>(partitionsQuery, [
    suffix,
    name,
  ])
  for (const { partition, valid } of rows) {
    const child = `${partition}${suffix}`
    if (valid === false) await client.query(`DROP INDEX CONCURRENTLY throughline.${child}`)
    await client.query(
      `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${child} ON throughline.${partition} (${columns})`,
    )
    await client.query(`ALTER INDEX throughline.${name} ATTACH PARTITION throughline.${child}`)
  }
  return true
}
