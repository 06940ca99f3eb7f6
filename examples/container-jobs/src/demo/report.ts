import type { Stack } from '@throughline/cli'
import { red, say, table } from '@throughline/cli/terminal'
import { IMAGE } from './busybox.js'
import type { Runner } from './start-runner.js'
import type { Spread, Story } from './story.js'

/** Where the time went, and whether everybody tells the same; true if so. */
export function figuresTable({ seconds, figures, views, exits }: Story): boolean {
  const containers = [...exits.values()].reduce((sum, count) => sum + count, 0)
  const withContainer = views.filter(({ containerId }) => containerId !== null).length
  const completed = views.filter(({ status }) => status === 'completed').length
  table(`Where the time went: ${views.length} jobs in ${seconds.toFixed(1)} s`, [
    { label: 'launch latency', value: spread(figures.launch) },
    ...figures.phases.map((phase) => ({ label: `  ${phase.phase}`, value: spread(phase) })),
    { label: 'at once, at most', value: `${figures.peak?.jobs ?? 0} jobs` },
    {
      label: 'failures',
      value: figures.failures.map(({ type, count }) => `${count} ${type}`).join(', ') || 'none',
    },
  ])
  const lines = [
    {
      label: 'Rows, completed and failed',
      value: `${figures.completed} and ${figures.failed}; the runner says ${completed} and ${views.length - completed}`,
      ok: figures.completed === completed && figures.count === views.length,
    },
    {
      label: 'docker ps -a',
      value: `${containers} containers: ${[...exits].map(([code, count]) => `${count} exited with ${code}`).join(', ')}`,
      ok: containers === withContainer && exits.get(0) === completed,
    },
  ]
  table('Do they agree?', lines)
  const broken = lines.filter(({ ok }) => !ok)
  for (const { label } of broken) say(red(`Does not hold: ${label}`))
  return broken.length === 0
}

function spread({ count, averageMs, p50Ms, p95Ms }: Spread): string {
  const ms = (value: number | null) => (value === null ? '?' : `${Math.round(value)} ms`).padStart(9)
  return `average ${ms(averageMs)}   half within ${ms(p50Ms)}   95 % within ${ms(p95Ms)}   of ${count}`
}

/** Where to look on, and what to do there. */
export async function addresses(stack: Stack, runner: Runner, route: 'collector' | 'direct'): Promise<void> {
  table('Look around', [
    { label: 'Console, signed in', value: await stack.consoleLink() },
    { label: 'Its page of the jobs', value: `${stack.recorderUrl}/#/jobs (in the same tab)` },
    {
      label: 'Another job',
      value: `curl -i -X POST ${runner.url}/jobs -H 'content-type: application/json' -d '{"image":"${IMAGE}","command":["env"]}'`,
    },
    { label: 'What became of it', value: `curl ${runner.url}/jobs/<id>, and -X DELETE to cancel it` },
    ...(route === 'direct'
      ? []
      : [
          {
            label: 'Prometheus',
            value: `${stack.urls.prometheus}/api/v1/query?query=job_phase_duration_seconds_sum`,
          },
          { label: 'Jaeger', value: `${stack.urls.jaeger}/api/traces/<trace_id> (the trace as JSON)` },
        ]),
    { label: 'Logs and data', value: stack.dir },
  ])
}
