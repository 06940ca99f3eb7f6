import type { CompareAnswer, OperationsAnswer, PerformanceAnswer, UsersAnswer } from '../../src/client.js'
import { count, duration, moment, percent, plural } from '../format.js'
import { known } from '../known.js'
import { Distribution } from '../parts/distribution.js'
import { FigureStrip, SourceLine, Time } from '../parts/figures.js'
import { Bars, BriefList, ErrorBars } from '../parts/lists.js'
import { Cuts, Empty, Failure, Loading } from '../parts/notice.js'
import { Objectives } from '../parts/objectives.js'
import { PerformanceCharts } from '../parts/performance-charts.js'
import { Scroll } from '../parts/scroll.js'
import { chosenWindow, markWindow, WindowPicker } from '../parts/window.js'
import { linkTo, linkToId, type Route } from '../router.js'
import { type Answer, useAnswer } from '../use-answer.js'

export const OperationPage = ({ route }: { route: Route }) => {
  const { query, long, everyMs } = chosenWindow(route)
  const of = known({
    service: route.params.get('service') ?? undefined,
    operation_service: route.params.get('operation_service') || undefined,
    operation: route.params.get('operation') ?? undefined,
  })
  const asked = { ...query, ...of }
  const key = JSON.stringify(asked)
  const performance = useAnswer(
    `operation ${key}`,
    (client, signal) => client.performance(asked, { signal }),
    everyMs,
  )
  const users = useAnswer(`users ${key}`, (client, signal) =>
    client.users({ ...asked, limit: 12 }, { signal }),
  )
  const compared = useAnswer(`compare ${key}`, (client, signal) => client.compare(asked, { signal }))
  const failed = useAnswer(
    `failed ${key}`,
    (client, signal) => client.operations({ ...asked, outcome: 'failure', limit: 12 }, { signal }),
    everyMs,
  )
  const { data } = performance
  return (
    <>
      <div class="head">
        <div>
          <p class="trail">
            <a href={linkTo('', { hours: route.params.get('hours') })}>Overview</a> /{' '}
            {of.service ?? 'all services'}
          </p>
          <h1>{[of.operation_service, of.operation].filter((part) => part !== undefined).join('.')}</h1>
          <p class="muted">{long}</p>
        </div>
        <div class="tools">
          <WindowPicker route={route} />
        </div>
      </div>
      {performance.error !== undefined && (
        <Failure error={performance.error} stale={data !== undefined} retry={performance.reload} />
      )}
      {data === undefined ? (
        performance.loading && <Loading rows={6} />
      ) : data.total.count === 0 ? (
        <Empty title={`It did not run in ${long}`}>
          <p>Choose a longer window, or go back to the overview.</p>
        </Empty>
      ) : (
        <Shown answer={data} route={route} users={users} compared={compared} failed={failed} />
      )}
    </>
  )
}

type Props = {
  answer: PerformanceAnswer
  route: Route
  users: Answer<UsersAnswer>
  compared: Answer<CompareAnswer>
  failed: Answer<OperationsAnswer>
}

const Shown = ({ answer, route, users, compared, failed }: Props) => (
  <>
    <Cuts cuts={answer.cuts} />
    <FigureStrip answer={answer} />
    <Objectives objectives={answer.objectives} />
    <PerformanceCharts answer={answer} onMark={(from, until) => markWindow(route, from, until)} />
    <section class="card">
      <h2>How long it takes</h2>
      <Distribution answer={answer} />
    </section>
    <section class="card">
      <h2>Versions</h2>
      <Versions answer={answer} />
      <Compared compared={compared} />
    </section>
    <div class="pair">
      <section class="card">
        <h2>
          Errors by type <span class="muted">{count(answer.total.failures)}</span>
        </h2>
        <ErrorBars answer={answer} />
      </section>
      <section class="card">
        <h2>Users {users.data !== undefined && <span class="muted">{count(users.data.users)}</span>}</h2>
        <Users users={users} />
      </section>
    </div>
    <div class="pair">
      <section class="card">
        <h2>Last failures</h2>
        {failed.error !== undefined && <Failure error={failed.error} stale={false} retry={failed.reload} />}
        {failed.data === undefined ? (
          failed.loading && <Loading />
        ) : failed.data.operations.length === 0 ? (
          <p class="muted calm">None in this window.</p>
        ) : (
          <BriefList operations={failed.data.operations} by="time" />
        )}
      </section>
      <section class="card">
        <h2>Slowest</h2>
        <BriefList operations={answer.slowest} />
      </section>
    </div>
    <SourceLine answer={answer} />
  </>
)

const Users = ({ users: { data, error, loading, reload } }: { users: Answer<UsersAnswer> }) => {
  if (error !== undefined) return <Failure error={error} stale={data !== undefined} retry={reload} />
  if (data === undefined) return loading ? <Loading /> : null
  if (data.top.length === 0)
    return (
      <p class="muted calm">
        No operation names its user. The option <code>user</code> of <code>track</code>, or of the middleware,
        does.
      </p>
    )
  return (
    <>
      <Cuts cuts={data.cuts} />
      <Bars
        bars={data.top.map((one) => ({
          name: one.user,
          count: one.count,
          failures: one.failures,
          href: linkToId(one.user),
        }))}
      />
    </>
  )
}

const Versions = ({ answer }: { answer: PerformanceAnswer }) => (
  <ul class="versions">
    {answer.versions.map((one) => (
      <li key={`${one.service} ${one.version}`}>
        <b>{one.version ?? 'no version'}</b>
        <span class="muted">
          {one.deployed ? 'deployed ' : 'since before the window, '}
          {one.deployed ? <Time at={one.firstSeen} /> : `last seen ${moment(one.lastSeen)}`}
        </span>
        <span class="number">{plural(one.count, 'operation')}</span>
      </li>
    ))}
  </ul>
)

const Compared = ({ compared: { data, error, loading, reload } }: { compared: Answer<CompareAnswer> }) => {
  if (error !== undefined) return <Failure error={error} stale={data !== undefined} retry={reload} />
  if (data === undefined) return loading ? <Loading rows={2} /> : null
  const { old, new: now } = data
  if (old === null || now === null)
    return <p class="muted calm">One version only: with the next deploy, the two are compared here.</p>
  return (
    <>
      <p class={`verdict ${data.verdict === 'worse' ? 'worse' : data.verdict === 'better' ? 'good' : ''}`}>
        {data.text}
      </p>
      <Cuts cuts={data.cuts} />
      <Scroll label="Both versions">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th>
              {['Count', 'Success', 'p50', 'p95', 'p99'].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {[now, old].map((side) => (
              <tr key={side.version}>
                <th scope="row">{side.version ?? 'no version'}</th>
                <td class="number">{count(side.count)}</td>
                <td class="number">{percent(side.successRate)}</td>
                <td class="number">{duration(side.p50Ms)}</td>
                <td class="number">{duration(side.p95Ms)}</td>
                <td class="number">{duration(side.p99Ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <ul class="findings">
        {data.findings.map((one) => (
          <li key={`${one.what} ${one.name}`}>
            <span class={`tag ${one.verdict === 'worse' ? 'bad' : one.verdict === 'better' ? 'good' : ''}`}>
              {one.verdict}
            </span>
            {one.text}
          </li>
        ))}
      </ul>
    </>
  )
}
