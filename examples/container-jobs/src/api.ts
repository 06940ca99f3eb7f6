import { withCarrier } from '@throughline/instrumentation-jobs/pg-boss'
import type { FastifyInstance } from 'fastify'
import type { JobWithMetadata } from 'pg-boss'
import { JobEnded, RunnerLost, UnknownJob } from './errors.js'
import { checkRequest, type JobRequest, jobSchema } from './job-request.js'
import type { Result } from './results.js'
import type { Parts } from './worker.js'

/** Beside the time that a job may run it needs some for its image, its container, and an engine that is away. */
const SLACK_SECONDS = 900

const STATUS = {
  created: 'pending',
  retry: 'pending',
  active: 'running',
  completed: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
} as const

const idSchema = { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } }

/** A runner that was killed has left no result, or has not told the queue of it. */
function errorOf(
  state: JobWithMetadata['state'],
  result: Result | undefined,
): { type: string; message: string | null } | null {
  if (result?.errorType) return { type: result.errorType, message: result.errorMessage }
  if (state !== 'failed') return null
  const { name: type, message } = new RunnerLost()
  return { type, message }
}

interface ById {
  Params: { id: string }
}

/** `POST /jobs`, `GET /jobs/:id`, `DELETE /jobs/:id`, `GET /healthz`. */
export function addRoutes(app: FastifyInstance, parts: Parts): void {
  const { boss, jobs, name } = parts.queue

  app.get('/healthz', async () => ({ status: 'ok', engine: parts.engine.health() }))

  app.post<{ Body: JobRequest }>('/jobs', { schema: { body: jobSchema } }, async (request, reply) => {
    const wanted = checkRequest(request.body)
    const id = crypto.randomUUID()
    await boss.send(name, withCarrier(jobs, wanted, { id, type: wanted.type }), {
      id,
      expireInSeconds: wanted.limits.timeoutS + SLACK_SECONDS,
    })
    request.log.info({ job: id, image: wanted.image, type: wanted.type }, 'job enqueued')
    return reply.code(202).header('location', `/jobs/${id}`).send({ id, status: 'pending' })
  })

  app.get<ById>('/jobs/:id', { schema: { params: idSchema } }, async ({ params: { id } }) => {
    const job = await find(id)
    const result = await parts.results.find(id)
    const { type, image, command, limits } = job.data
    return {
      id,
      status: STATUS[job.state],
      type,
      image,
      command,
      limits,
      enqueuedAt: job.createdOn,
      startedAt: result?.startedAt ?? null,
      finishedAt: result?.finishedAt ?? job.completedOn,
      containerId: result?.containerId ?? null,
      exitCode: result?.exitCode ?? null,
      error: errorOf(job.state, result),
      log: result?.log ?? '',
    }
  })

  app.delete<ById>('/jobs/:id', { schema: { params: idSchema } }, async ({ params: { id } }, reply) => {
    const job = await find(id)
    const status = STATUS[job.state]
    if (status !== 'pending' && status !== 'running') throw new JobEnded(status)
    await boss.cancel(name, id)
    // It may have ended between the two.
    const { state } = await find(id)
    if (state !== 'cancelled') throw new JobEnded(STATUS[state])
    // One that another runner has learns it at its next heartbeat.
    parts.running.cancel(id)
    return reply.code(202).send({ id, status: 'cancelled' })
  })

  async function find(id: string): Promise<JobWithMetadata<JobRequest>> {
    const [job] = await boss.findJobs<JobRequest>(name, { id })
    if (job === undefined) throw new UnknownJob()
    return job
  }
}
