import { type Stack, until } from '@throughline/cli'
import type Docker from 'dockerode'
import { IMAGE } from './busybox.js'
import { type JobBody, type JobView, runnerClient } from './client.js'
import type { Runner } from './start-runner.js'

/** Durations in ms, as the recorder's API tells them. */
export interface Spread {
  count: number
  averageMs: number | null
  p50Ms: number | null
  p95Ms: number | null
}

/** As much of `GET /metrics/jobs` as the table shows. */
export interface Figures {
  count: number
  completed: number
  failed: number
  launch: Spread
  phases: (Spread & { phase: string })[]
  failures: { type: string; count: number }[]
  peak: { jobs: number } | null
}

export interface Story {
  readonly seconds: number
  readonly figures: Figures
  /** What the runner says of each job. */
  readonly views: readonly JobView[]
  /** What `docker ps -a` says: containers of these jobs by exit code. */
  readonly exits: ReadonlyMap<number, number>
}

const DEADLINE_MS = 180_000
const image = IMAGE

/** Four ways to fail among jobs that do not. */
function jobOf(n: number): JobBody {
  if (n === 3) return { type: 'report', image, command: ['sh', '-c', 'echo no data; exit 3'] }
  if (n === 6) return { type: 'report', image, command: ['tail', '/dev/zero'], limits: { memoryMb: 8 } }
  if (n === 9) return { type: 'report', image: 'no-such-image:1', command: ['true'] }
  if (n === 12) return { type: 'report', image, command: ['sleep', '60'], limits: { timeoutS: 1 } }
  return {
    type: n % 3 === 0 ? 'report' : 'thumbnail',
    image,
    command: ['sh', '-c', `echo job ${n}; sleep 0.2`],
  }
}

/** Has that many jobs run, 13 at least, and asks everybody who knows of them. */
export async function runStory(
  stack: Stack,
  runner: Runner,
  docker: Docker,
  count: number,
  signal: AbortSignal,
): Promise<Story> {
  const jobs = runnerClient(runner.url)
  const began = Date.now()
  const run = `jobs-${began.toString(36)}`
  const ids = await Promise.all(Array.from({ length: count }, (_, n) => jobs.submit(jobOf(n), `${run}-${n}`)))
  const views: JobView[] = []
  for (const id of ids) {
    signal.throwIfAborted()
    views.push(await jobs.ended(id, DEADLINE_MS))
  }
  const seconds = (Date.now() - began) / 1_000
  const figures = await until(
    async () => {
      const found = await figuresSince(stack, new Date(began))
      return found.count >= ids.length && found
    },
    { what: 'a row for each job', signal },
  )
  const exits = new Map<number, number>()
  for (const { Labels, Status } of await docker.listContainers({ all: true })) {
    const code = Number(/^Exited \((\d+)\)/.exec(Status)?.[1])
    if (ids.includes(Labels['throughline.job.id'] ?? '')) exits.set(code, (exits.get(code) ?? 0) + 1)
  }
  for (const { containerId } of views)
    if (containerId !== null)
      await docker
        .getContainer(containerId)
        .remove({ force: true })
        .catch(() => {})
  return { seconds, figures, views, exits }
}

async function figuresSince(stack: Stack, from: Date): Promise<Figures> {
  const query = new URLSearchParams({ queue: 'containers', from: from.toISOString() })
  const answer = await fetch(`${stack.recorderUrl}/metrics/jobs?${query}`, {
    headers: { authorization: `Bearer ${stack.tokens.read}` },
    signal: AbortSignal.timeout(10_000),
  })
  if (!answer.ok) throw new Error(`GET /metrics/jobs answered ${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { total: Figures }).total
}
