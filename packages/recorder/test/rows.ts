import { randomBytes } from 'node:crypto'
import { createWriter, ensurePartitions, type OperationRow } from '@throughline/postgres'
import pg from 'pg'

export const aRow = (changes: Partial<OperationRow> = {}): OperationRow => ({
  startedAtUs: BigInt(Date.now() - 60_000) * 1000n,
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
  parentSpanId: null,
  correlationId: 'order-4711',
  service: 'billing',
  serviceVersion: '1.0.0',
  operationService: 'Billing',
  operation: 'charge',
  userId: 'user-1',
  durationUs: 1_500n,
  success: true,
  errorType: null,
  errorMessage: null,
  errorStack: null,
  metadata: null,
  business: null,
  instance: null,
  seq: null,
  ...changes,
})

/** Stores rows as the recorder does. */
export const writeRows = async (databaseUrl: string, rows: readonly OperationRow[]): Promise<void> => {
  const pool = new pg.Pool({ connectionString: databaseUrl })
  try {
    await ensurePartitions(pool)
    await createWriter(pool).write(rows)
  } finally {
    await pool.end()
  }
}
