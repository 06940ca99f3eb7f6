import type { PerformanceAnswer } from '../../src/client.js'
import { ago, count, duration, percent, rate } from '../format.js'
import { known } from '../known.js'
import { FigureStrip, SourceLine, Tile } from '../parts/figures.js'
import { BriefList, ErrorBars, OperationTable } from '../parts/lists.js'
import { LiveDot, useLive } from '../parts/live.js'
import { Cuts, Empty, Failure, Loading } from '../parts/notice.js'
import { PerformanceCharts } from '../parts/performance-charts.js'
import { ServicePicker } from '../parts/service-picker.js'
import { chosenWindow, markWindow, WindowPicker } from '../parts/window.js'
import { linkTo, type Route } from '../router.js'
import { useAnswer } from '../use-answer.js'

export const OverviewPage = ({ route }: { route: Route }) => {
  const { query, long, everyMs } = chosenWindow(route)
  const service = route.params.get('service') ?? undefined
  const asked = { ...query, ...known({ service }) }
  const answer = useAnswer(
    `overview ${JSON.stringify(asked)}`,
    (client, signal) => client.performance(asked, { signal }),
    everyMs,
  )
  const live = useLive(known({ service }))
  const { data } = answer
  return (
    <>
      <div class="head">
        <div>
          <h1>Overview</h1>
          <p class="muted">
            {service === undefined ? 'All services' : service}, {long}
            {answer.at !== undefined && ` · read ${ago(answer.at)}`}
          </p>
        </div>
        <div class="tools">
          <ServicePicker route={route} answer={data} />
          <WindowPicker route={route} />
          <LiveDot live={live} />
        </div>
      </div>
      {answer.error !== undefined && (
        <Failure error={answer.error} stale={data !== undefined} retry={answer.reload} />
      )}
      {data === undefined ? (
        answer.loading && <Loading rows={6} />
      ) : data.total.count === 0 ? (
        <NothingYet long={long} service={service} />
      ) : (
        <Overview answer={data} route={route}>
          {live.figures !== undefined && service === undefined && (
            <Tile name="Last 5 min, live" value={rate(live.figures.perSecond)}>
              {live.figures.count === 0
                ? 'no operation'
                : `${percent(live.figures.successRate)} success · p95 ${duration(live.figures.p95Ms)}`}
            </Tile>
          )}
        </Overview>
      )}
      {live.recent.length > 0 && (
        <section class="card" aria-label="As they happen">
          <h2>As they happen</h2>
          <BriefList operations={live.recent} by="time" />
        </section>
      )}
    </>
  )
}

type Props = { answer: PerformanceAnswer; route: Route; children: preact.ComponentChildren }

const Overview = ({ answer, route, children }: Props) => (
  <>
    <Cuts cuts={answer.cuts} />
    <FigureStrip answer={answer}>{children}</FigureStrip>
    <PerformanceCharts answer={answer} onMark={(from, until) => markWindow(route, from, until)} />
    <section class="card">
      <h2>Operations</h2>
      <OperationTable operations={answer.operations} params={route.params} />
    </section>
    <div class="pair">
      <section class="card">
        <h2>
          Errors by type <span class="muted">{count(answer.total.failures)}</span>
        </h2>
        <ErrorBars answer={answer} />
      </section>
      <section class="card">
        <h2>Slowest</h2>
        <BriefList operations={answer.slowest} />
      </section>
    </div>
    <SourceLine answer={answer} />
  </>
)

const NothingYet = ({ long, service }: { long: string; service: string | undefined }) => (
  <Empty title={`No operation in ${long}`}>
    {service === undefined ? (
      <>
        <p>
          Operations show up here within a second of their end. Wrap a function with <code>track</code> and
          start the service with the SDK:
        </p>
        <pre>
          <code>node --import @throughline/sdk/register app.js</code>
        </pre>
      </>
    ) : (
      <p>
        Nothing of the service {service}. <a href={linkTo('')}>Look at all services</a>, or choose a longer
        window.
      </p>
    )}
    <p>
      If services run already, <a href={linkTo('health')}>Health</a> shows where their records are held up.
    </p>
  </Empty>
)
