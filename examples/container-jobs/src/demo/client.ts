import { until } from '@throughline/cli'

/** What the runner says of a job. */
export interface JobView {
  id: string
  status: 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'
  type: string
  enqueuedAt: string
  startedAt: string | null
  finishedAt: string | null
  containerId: string | null
  exitCode: number | null
  error: { type: string; message: string } | null
  log: string
}

/** A job as it is asked for. */
export interface JobBody {
  image: string
  command: string[]
  type?: string
  env?: Record<string, string>
  limits?: { memoryMb?: number; cpus?: number; timeoutS?: number }
}

/** Talks to the runner as anybody would. */
export function runnerClient(url: string) {
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })

  async function get(id: string): Promise<JobView> {
    const answer = await ask('GET', `/jobs/${id}`)
    if (!answer.ok) throw new Error(`GET /jobs/${id} answered ${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as JobView
  }

  return {
    /** Any answer, for what is to be refused. */
    post: (body: unknown, headers?: Record<string, string>) => ask('POST', '/jobs', body, headers),
    /** The id of the enqueued job. */
    async submit(body: JobBody, correlationId: string): Promise<string> {
      const answer = await ask('POST', '/jobs', body, { 'x-correlation-id': correlationId })
      const text = await answer.text()
      if (answer.status !== 202) throw new Error(`POST /jobs answered ${answer.status}: ${text}`)
      return (JSON.parse(text) as { id: string }).id
    },
    get,
    cancel: (id: string) => ask('DELETE', `/jobs/${id}`),
    /** Once it has ended, however it did. */
    ended: (id: string, deadlineMs = 30_000): Promise<JobView> =>
      until(
        async () => {
          const job = await get(id)
          return job.status !== 'pending' && job.status !== 'running' && job.finishedAt !== null && job
        },
        { what: `the end of job ${id}`, deadlineMs, everyMs: 100 },
      ) as Promise<JobView>,
  }
}
