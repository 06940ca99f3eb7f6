import { setTimeout as pause } from 'node:timers/promises'
import type Docker from 'dockerode'
import { settleLost } from './lost-jobs.js'
import type { Parts } from './worker.js'

export interface StatusChecker {
  close(): Promise<void>
}

const FORGET_EVERY_MS = 3_600_000

/**
 * Looks at all containers of the queue in one call, again and again: a job whose container has ended without a word is told, one whose container
 * somebody else has removed has failed. What a runner that was killed has left behind is settled: its jobs are what they came to, its containers
 * are removed.
 */
export function startStatusChecker(parts: Parts): StatusChecker {
  const { settings, log } = parts
  const closing = new AbortController()
  const ended = loop()
  let forgotAt = Number.NEGATIVE_INFINITY

  async function loop(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await pause(settings.checkMs, undefined, { signal: closing.signal })
        await check(parts)
        await settleLost(parts)
        if (performance.now() - forgotAt > FORGET_EVERY_MS) {
          await parts.results.forgetOld()
          forgotAt = performance.now()
        }
      } catch (error) {
        // The engine or the database is away; the next look tells.
        if (!closing.signal.aborted) log.warn({ error: (error as Error).name }, (error as Error).message)
      }
    }
  }

  return {
    close() {
      closing.abort()
      return ended
    },
  }
}

async function check(parts: Parts): Promise<void> {
  const { queue, running } = parts
  const known = running.containers()
  const listed = await queue.jobs.statusCheck(() => list(parts))
  const states = new Map(listed.map(({ Id, State }) => [Id, State]))
  for (const [job, container] of known) {
    const state = states.get(container)
    if (state === undefined) running.lost(job)
    else if (state === 'exited' || state === 'dead') running.look(job)
  }
  await removeLeft(parts, listed)
}

function list({ engine, queue }: Parts): Promise<Docker.ContainerInfo[]> {
  const filters = { label: [`throughline.job.queue=${queue.name}`] }
  return engine.docker.listContainers({ all: true, filters, ...engine.limited() })
}

/** Another runner may be at work on the same engine: what counts is whether the queue has the job as active. */
async function removeLeft(parts: Parts, listed: Docker.ContainerInfo[]): Promise<void> {
  const { engine, running, settings, log } = parts
  const strange = listed
    .map(({ Id, Labels, State }) => ({
      id: Id,
      job: Labels['throughline.job.id'] ?? '',
      ended: State === 'exited',
    }))
    .filter(({ job, ended }) => !running.has(job) && !(settings.keepContainers && ended))
  if (strange.length === 0) return
  const active = await activeJobs(
    parts,
    strange.map(({ job }) => job),
  )
  for (const { id, job } of strange) {
    if (active.has(job)) continue
    log.warn({ container: id.slice(0, 12), job }, 'container of a job that nobody runs: removed')
    await engine.docker
      .getContainer(id)
      .remove({ force: true, v: true, ...engine.limited() })
      .catch(() => {})
  }
}

async function activeJobs({ queue }: Parts, ids: string[]): Promise<Set<string>> {
  const { rows } = (await queue.boss
    .getDb()
    .executeSql(
      "SELECT id::text FROM pgboss.job WHERE name = $1 AND id::text = ANY($2) AND state = 'active'",
      [queue.name, ids],
    )) as { rows: { id: string }[] }
  return new Set(rows.map(({ id }) => id))
}
