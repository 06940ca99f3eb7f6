import { randomUUID } from 'node:crypto'
import type { OperationRow } from '@throughline/postgres'
import { aRow } from './rows.js'

type JobTold = {
  queue?: string
  type?: string
  status?: 'completed' | 'failed' | 'cancelled'
  startedMs?: number
  tookMs?: number
  launchMs?: number
  attempt?: number
  error?: string | null
  /** As `creating: 1_200`: milliseconds. */
  phases?: Record<string, number>
  metadata?: Record<string, unknown>
}

/** The row of one job that has ended, as the instrumentation makes it. */
export const aJobRow = (told: JobTold = {}, changes: Partial<OperationRow> = {}): OperationRow => {
  const { queue = 'transcode', type = 'video', status = 'completed', tookMs = 1_000, phases, launchMs } = told
  const startedMs = told.startedMs ?? Date.now() - 60_000 - tookMs
  return aRow({
    startedAtUs: BigInt(Math.round(startedMs * 1_000)),
    durationUs: BigInt(Math.round(tookMs * 1_000)),
    operationService: queue,
    operation: type,
    userId: null,
    success: status === 'completed',
    errorType: status === 'failed' ? (told.error === undefined ? 'ExitCode' : told.error) : null,
    metadata: JSON.stringify({
      'job.id': randomUUID(),
      'job.execution.id': randomUUID(),
      'job.queue': queue,
      'job.type': type,
      'job.attempt': told.attempt ?? 1,
      'job.status': status,
      'job.enqueued_at': new Date(startedMs - (phases?.queued ?? 0)).toISOString(),
      ...(launchMs === undefined ? {} : { 'job.launch.latency_ms': launchMs }),
      ...(phases === undefined
        ? {}
        : {
            'job.phases': Object.fromEntries(
              Object.entries(phases).map(([phase, ms]) => [`${phase}_ms`, ms]),
            ),
          }),
      ...told.metadata,
    }),
    ...changes,
  })
}

type CheckTold = {
  queue?: string
  host?: string
  startedMs?: number
  slots?: number
  running?: number
  peak?: number
  state?: Record<string, unknown>
  usage?: Record<string, unknown>
  error?: string
  metadata?: Record<string, unknown>
}

/** The row of one status check of a queue; one that failed knows nothing of the queue. */
export const aCheckRow = (told: CheckTold = {}, changes: Partial<OperationRow> = {}): OperationRow => {
  const { queue = 'transcode', host = 'worker-1', slots = 4, running = 1, peak = 2, error } = told
  const {
    state = { pending: 3, running, completed: 10, failed: 1, cancelled: 0, depth: 3, oldest_age_s: 12.5 },
  } = told
  return aRow({
    startedAtUs: BigInt(Math.round((told.startedMs ?? Date.now() - 5_000) * 1_000)),
    durationUs: 4_000n,
    operationService: queue,
    operation: 'status_check',
    userId: null,
    success: error === undefined,
    errorType: error ?? null,
    metadata: JSON.stringify({
      'job.queue': queue,
      'job.capacity': slots,
      'job.running_here': running,
      'job.concurrent.peak': peak,
      'host.name': host,
      host: told.usage ?? { cpu: 0.5, memory: 0.25, disk: 0.75, slots: running / slots },
      ...(error === undefined ? { 'job.state': state } : {}),
      ...told.metadata,
    }),
    ...changes,
  })
}
