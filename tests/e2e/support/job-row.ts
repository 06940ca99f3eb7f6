import { until } from '@throughline/cli'
import type pg from 'pg'
import { expect } from 'vitest'

/** A row of a job, as the wire contract has it. */
export interface JobRow {
  operation: string
  success: boolean
  errorType: string | null
  correlationId: string
  traceId: string
  spanId: string
  metadata: Record<string, unknown> & { 'job.phases': Record<string, number> }
}

/** Waits for the one row of a job. */
export function jobRow(database: pg.Pool, queue: string, id: string): Promise<JobRow> {
  return until(
    async () => {
      const { rows } = await database.query<JobRow>(
        `SELECT operation, success, error_type AS "errorType", correlation_id AS "correlationId", metadata,
                replace(trace_id::text, '-', '') AS "traceId", lpad(to_hex(span_id), 16, '0') AS "spanId"
         FROM throughline.operations WHERE operation_service = $1 AND metadata ->> 'job.id' = $2`,
        [queue, id],
      )
      expect(rows.length, 'one job is one row').toBeLessThan(2)
      return rows[0]
    },
    { what: `the row of job ${id}` },
  )
}
