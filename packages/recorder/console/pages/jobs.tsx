import { useRef } from 'preact/hooks'
import type { JobsAnswer } from '../../src/client.js'
import { ago, count, duration, moment, plural, short } from '../format.js'
import { known } from '../known.js'
import { WarningIcon } from '../parts/icons.js'
import { JobCharts } from '../parts/job-charts.js'
import {
  hostFigures,
  type JobScope,
  presentFigures,
  scopeOf,
  slotsOf,
  windowFigures,
} from '../parts/job-figures.js'
import { Phases } from '../parts/job-phases.js'
import { Checked, HostTable, QueueTable, TypeTable } from '../parts/job-tables.js'
import { JobStrip } from '../parts/job-tiles.js'
import { ErrorBars } from '../parts/lists.js'
import { Cuts, Empty, Failure, Loading } from '../parts/notice.js'
import { crossingsOf } from '../parts/thresholds.js'
import { type Thresholds, useThresholds } from '../parts/use-thresholds.js'
import { chosenWindow, markWindow, WindowPicker } from '../parts/window.js'
import { go, linkTo, linkWith, type Route } from '../router.js'
import { useAnswer } from '../use-answer.js'

export const JobsPage = ({ route }: { route: Route }) => {
  const { query, long, everyMs } = chosenWindow(route)
  const queue = route.params.get('queue') || undefined
  const asked = { ...query, ...known({ queue }) }
  const answer = useAnswer(
    `jobs ${JSON.stringify(asked)}`,
    (client, signal) => client.jobs(asked, { signal }),
    everyMs,
  )
  const thresholds = useThresholds()
  const { data } = answer
  const scope = data === undefined ? undefined : scopeOf(data, queue ?? null)
  return (
    <>
      <div class="head">
        <div>
          <h1>Jobs</h1>
          <p class="muted">
            {queue ?? 'All queues'}, {long}
            {answer.at !== undefined && ` · read ${ago(answer.at)}`}
          </p>
        </div>
        <div class="tools">
          <QueuePicker route={route} answer={data} />
          <WindowPicker route={route} />
        </div>
      </div>
      {answer.error !== undefined && (
        <Failure error={answer.error} stale={data !== undefined} retry={answer.reload} />
      )}
      {data === undefined ? (
        answer.loading && <Loading rows={6} />
      ) : scope === undefined || (data.source.jobs === 0 && data.source.checks === 0) ? (
        <NothingYet long={long} queue={queue} />
      ) : (
        <JobsShown answer={data} scope={scope} thresholds={thresholds} route={route} />
      )}
    </>
  )
}

type Props = { answer: JobsAnswer; scope: JobScope; thresholds: Thresholds; route: Route }

const JobsShown = ({ answer, scope, thresholds, route }: Props) => {
  const { figures } = scope
  return (
    <>
      <Cuts cuts={answer.cuts} />
      <Crossed answer={answer} thresholds={thresholds} />
      <StaleChecks answer={answer} />
      <section class="card strip" aria-labelledby="jobs-now">
        <h2 id="jobs-now">
          Now{' '}
          <span class="muted">
            {scope.state === null ? (
              'no status check in this window'
            ) : (
              <>
                as of the {severalStates(answer, scope) ? 'oldest ' : ''}status check{' '}
                <Checked of={scope.state} at={answer.at} />
              </>
            )}
          </span>
        </h2>
        {scope.state === null ? (
          <NoState />
        ) : (
          <JobStrip
            scope={scope}
            figures={presentFigures}
            thresholds={thresholds}
            notes={{ age: checksText(scope) }}
          />
        )}
        {scope.hosts.length > 0 && (
          <JobStrip
            scope={scope}
            figures={hostFigures}
            thresholds={thresholds}
            notes={{ slots: slotsText(scope) }}
          />
        )}
      </section>
      <section class="card strip" aria-labelledby="jobs-window">
        <h2 id="jobs-window">
          In the window <span class="muted">{plural(figures.count, 'job')} ended</span>
        </h2>
        <JobStrip
          scope={scope}
          figures={windowFigures}
          thresholds={thresholds}
          notes={{
            success: `${count(figures.completed)} completed, ${count(figures.cancelled)} cancelled`,
            failures: figures.retried > 0 ? plural(figures.retried, 'retry', 'retries') : undefined,
            launch: 'from enqueued to running',
            peak: figures.peak === null ? undefined : moment(figures.peak.at),
          }}
        />
      </section>
      <div class="pair">
        <section class="card">
          <h2>
            Phases <span class="muted">where the time goes</span>
          </h2>
          <Phases answer={answer} />
        </section>
        <section class="card">
          <h2>
            Failures by type <span class="muted">{count(figures.failed)}</span>
          </h2>
          <ErrorBars
            answer={{ errors: figures.failures, otherErrors: figures.otherFailures }}
            none="No job failed in this window."
          />
        </section>
      </div>
      <JobCharts answer={answer} onMark={(from, until) => markWindow(route, from, until)} />
      {answer.queues.length > 1 && (
        <section class="card">
          <h2>Queues</h2>
          <QueueTable answer={answer} route={route} />
        </section>
      )}
      <section class="card">
        <h2>Hosts</h2>
        {answer.hosts.length === 0 ? (
          <p class="muted calm">No process has made a status check in this window.</p>
        ) : (
          <HostTable answer={answer} />
        )}
      </section>
      {answer.types.length > 0 && (
        <section class="card">
          <h2>Types</h2>
          <TypeTable answer={answer} route={route} />
        </section>
      )}
      <p class="source muted small">
        From {plural(answer.source.jobs, 'row')} of jobs that began in the window and have ended, and{' '}
        {plural(answer.source.checks, 'status check')}. Counts and peaks are exact; percentiles are within
        1.09 %.
        {thresholds.unkept && ' This browser keeps no thresholds: they are gone with this page.'}
      </p>
    </>
  )
}

const severalStates = (answer: JobsAnswer, { queue }: JobScope): boolean =>
  queue === null && answer.queues.filter(({ state }) => state !== null).length > 1

/** `4 ms each, 400 jobs/s, 1 of 3 failed`. */
const checksText = ({ checks }: JobScope): string | undefined => {
  if (checks === undefined || checks.count === 0) return undefined
  const { averageMs, jobsPerSecond, failed } = checks
  return [
    `${duration(averageMs)} each`,
    ...(jobsPerSecond === null ? [] : [`${short(jobsPerSecond)} jobs/s`]),
    ...(failed === 0 ? [] : [`${count(failed)} of ${count(checks.count)} failed`]),
  ].join(', ')
}

const slotsText = (scope: JobScope): string => {
  const found = slotsOf(scope)
  return found === null ? 'no process tells its slots' : `${count(found.running)} of ${count(found.slots)}`
}

const Crossed = ({ answer, thresholds }: Pick<Props, 'answer' | 'thresholds'>) => {
  const crossings = crossingsOf(thresholds.all, answer)
  return (
    <div role="status" class="crossings">
      {crossings.length > 0 && (
        <div class="notice bad">
          <WarningIcon />
          <div>
            <strong>{plural(crossings.length, 'threshold is', 'thresholds are')} crossed.</strong>
            <ul>
              {crossings.map(({ queue, title, text }) => (
                <li key={`${queue} ${title}`}>
                  {queue === null ? 'All queues' : <b>{queue}</b>}: {title} {text}
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
    </div>
  )
}

/** A figure that is old looks like one that is new, unless somebody says so. */
const StaleChecks = ({ answer }: { answer: JobsAnswer }) => {
  const stale = answer.queues.filter(({ state }) => state?.stale === true)
  if (stale.length === 0) return null
  return (
    <div class="notice" role="note">
      <WarningIcon />
      <div>
        <strong>What is known of {stale.length === 1 ? 'a queue' : 'some queues'} is old.</strong> No status
        check has told of {stale.length === 1 ? 'it' : 'them'} lately: the process that makes them has
        stopped, or its queue does not answer. What stands under “Now” was true then.
        <ul>
          {stale.map(({ queue, state }) => (
            <li key={queue}>
              <b>{queue}</b>: {state !== null && ago(state.checkedAt, Date.parse(answer.at))}
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}

const NoState = () => (
  <p class="muted calm">
    What waits and runs now is asked from the queue itself: give <code>instrumentJobs</code> its option{' '}
    <code>state</code>.
  </p>
)

const QueuePicker = ({ route, answer }: { route: Route; answer: JobsAnswer | undefined }) => {
  // Of any answer of this page so far: one that is chosen leaves the others choosable.
  const seen = useRef(new Set<string>())
  const chosen = route.params.get('queue')
  for (const { queue } of answer?.queues ?? []) if (queue !== '') seen.current.add(queue)
  if (chosen) seen.current.add(chosen)
  return (
    <select
      aria-label="Queue"
      value={chosen ?? ''}
      onChange={(event) => go(linkWith(route, { queue: event.currentTarget.value || null }))}
    >
      <option value="">All queues</option>
      {[...seen.current].sort().map((queue) => (
        <option key={queue} value={queue}>
          {queue}
        </option>
      ))}
    </select>
  )
}

const example = `const jobs = instrumentJobs({ queue: 'transcode', capacity: 4, state: askTheQueue })
await jobs.run({ id, type: 'video' }, async (execution) => {
  const container = await execution.phase('creating', () => create(image))
  await execution.phase('running', () => finished(container))
})`

const NothingYet = ({ long, queue }: { long: string; queue: string | undefined }) => (
  <Empty title={queue === undefined ? `No job in ${long}` : `Nothing of the queue ${queue} in ${long}`}>
    {queue === undefined ? (
      <>
        <p>
          A job shows up here when it has ended, a queue with its first status check. Tell of them with{' '}
          <code>@throughline/instrumentation-jobs</code>:
        </p>
        <pre>
          <code>{example}</code>
        </pre>
      </>
    ) : (
      <p>
        <a href={linkTo('jobs')}>Look at all queues</a>, or choose a longer window.
      </p>
    )}
    <p>
      If jobs run already, <a href={linkTo('health')}>Health</a> shows where their records are held up.
    </p>
  </Empty>
)
