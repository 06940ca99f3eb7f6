import type { JobHost, JobsAnswer } from '../../src/client.js'
import { ago, count, duration, percent, rate, short } from '../format.js'
import { linkWith, type Route } from '../router.js'
import { WarningIcon } from './icons.js'
import { PhaseBar } from './job-phases.js'
import { Scroll } from './scroll.js'

type Props = { answer: JobsAnswer; route: Route }

const known = (value: number | null): string => (value === null ? '–' : count(value))

export const QueueTable = ({ answer, route }: Props) => (
  <Scroll label="Queues">
    <table>
      <thead>
        <tr>
          <th scope="col">Queue</th>
          <th scope="col" class="number">
            Depth
          </th>
          <th scope="col" class="number">
            Longest wait
          </th>
          <th scope="col" class="number">
            Running
          </th>
          <th scope="col">Checked</th>
          <th scope="col" class="number">
            Check speed
          </th>
          <th scope="col" class="number">
            Ended
          </th>
          <th scope="col" class="number">
            Rate
          </th>
          <th scope="col" class="number">
            Success
          </th>
          <th scope="col" class="number">
            Peak
          </th>
        </tr>
      </thead>
      <tbody>
        {answer.queues.map(({ queue, state, checks, ...figures }) => (
          <tr key={queue}>
            <th scope="row" class="name">
              <a href={linkWith(route, { queue })}>{queue === '' ? '(no name)' : queue}</a>
            </th>
            <td class="number">{known(state?.depth ?? null)}</td>
            <td class="number">
              {duration(state?.oldestAgeSeconds == null ? null : state.oldestAgeSeconds * 1000)}
            </td>
            <td class="number">{known(state?.running ?? null)}</td>
            <td>
              {state === null ? <span class="muted">never</span> : <Checked of={state} at={answer.at} />}
            </td>
            <td class="number muted">
              {checks.jobsPerSecond === null ? '–' : `${short(checks.jobsPerSecond)} jobs/s`}
            </td>
            <td class="number">{count(figures.count)}</td>
            <td class="number muted">{rate(figures.perSecond)}</td>
            <td class={`number ${figures.failed > 0 ? 'worse' : ''}`}>{percent(figures.successRate)}</td>
            <td class="number">{known(figures.peak?.jobs ?? null)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
)

/** How old it was when it was read; one that is stale says so in words, too. */
export const Checked = ({ of, at }: { of: Pick<JobHost, 'checkedAt' | 'stale'>; at: string }) => (
  <time dateTime={of.checkedAt} class={of.stale ? 'worse' : ''}>
    {of.stale && <WarningIcon />} {ago(of.checkedAt, Date.parse(at))}
    {of.stale && ', stale'}
  </time>
)

export const TypeTable = ({ answer, route }: Props) => {
  const most = Math.max(1, ...answer.types.map((one) => one.count))
  return (
    <Scroll label="Types of jobs">
      <table>
        <thead>
          <tr>
            <th scope="col">Type</th>
            <th scope="col">Queue</th>
            <th scope="col" class="number">
              Ended
            </th>
            <th scope="col" class="number">
              Success
            </th>
            <th scope="col" class="number">
              Average
            </th>
            <th scope="col" class="number">
              p95
            </th>
            <th scope="col" class="number">
              Launch p95
            </th>
            <th scope="col" class="number">
              Peak
            </th>
            <th scope="col">Phases</th>
          </tr>
        </thead>
        <tbody>
          {answer.types.map((one) => (
            <tr key={`${one.queue} ${one.type}`}>
              <th scope="row" class="name">
                {one.type === '' ? '(no name)' : one.type}
                <span class="share" style={{ width: `${(100 * one.count) / most}%` }} />
              </th>
              <td class="name">
                <a href={linkWith(route, { queue: one.queue })}>
                  {one.queue === '' ? '(no name)' : one.queue}
                </a>
              </td>
              <td class="number">{count(one.count)}</td>
              <td class={`number ${one.failed > 0 ? 'worse' : ''}`}>{percent(one.successRate)}</td>
              <td class="number">{duration(one.duration.averageMs)}</td>
              <td class="number">{duration(one.duration.p95Ms)}</td>
              <td class="number">{duration(one.launch.p95Ms)}</td>
              <td class="number">{known(one.peak?.jobs ?? null)}</td>
              <td>
                <PhaseBar figures={one} slim />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

export const HostTable = ({ answer }: { answer: JobsAnswer }) => (
  <Scroll label="Hosts">
    <table>
      <thead>
        <tr>
          <th scope="col">Host</th>
          <th scope="col">Queue</th>
          <th scope="col" class="number">
            Slots
          </th>
          <th scope="col" class="number">
            CPU
          </th>
          <th scope="col" class="number">
            Memory
          </th>
          <th scope="col" class="number">
            Disk
          </th>
          <th scope="col" class="number">
            Peak
          </th>
          <th scope="col">Checked</th>
          <th scope="col">Checks</th>
        </tr>
      </thead>
      <tbody>
        {answer.hosts.map((host) => (
          <tr key={`${host.queue} ${host.host} ${host.instance}`}>
            <th scope="row" class="name">
              {host.host ?? 'unknown'}{' '}
              {host.instance !== null && (
                <code class="muted" title={host.instance}>
                  {host.instance.slice(0, 8)}
                </code>
              )}
            </th>
            <td class="muted name">{host.queue}</td>
            <td class="number">
              {host.slots === null ? '–' : `${known(host.running)} of ${count(host.slots)}`}
            </td>
            <td class="number">{percent(host.usage.cpu)}</td>
            <td class="number">{percent(host.usage.memory)}</td>
            <td class="number">{percent(host.usage.disk)}</td>
            <td class="number">{known(host.peak)}</td>
            <td>
              <Checked of={host} at={answer.at} />
            </td>
            <td class={host.lastCheck === 'failed' ? 'worse name' : 'muted name'}>
              {host.lastCheck === 'failed'
                ? `the last failed: ${host.failure ?? 'no reason'}`
                : host.failedChecks > 0
                  ? `${count(host.failedChecks)} of ${count(host.checks)} failed`
                  : 'all answered'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
)
