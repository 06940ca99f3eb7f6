import { useMemo, useState } from 'preact/hooks'
import type { FrozenListAnswer, TrendAnswer, ValueAnswer, ValueReport } from '../../src/client.js'
import { ApiError } from '../../src/client.js'
import { moment, plural, title } from '../format.js'
import { known } from '../known.js'
import { Chart } from '../parts/chart.js'
import { download } from '../parts/download.js'
import { Time } from '../parts/figures.js'
import { Empty, Failure, Loading } from '../parts/notice.js'
import { PeriodPicker } from '../parts/period-picker.js'
import { Figures } from '../parts/value-figures.js'
import { go, linkTo, linkWith, type Route } from '../router.js'
import { useSession } from '../session.js'
import { type Answer, useAnswer } from '../use-answer.js'

export const ValuePage = ({ route }: { route: Route }) => {
  const { valueModel } = useSession()
  return valueModel === null ? <NoModel /> : <Value route={route} />
}

const NoModel = () => (
  <>
    <div class="head">
      <h1>Value</h1>
    </div>
    <Empty title="No value model yet">
      <p>
        A value model says what a success is worth: minutes saved, an hourly rate, or a business value that is
        summed. Write one, check it, and name it to the recorder:
      </p>
      <pre>
        <code>{'throughline value check value.yaml\nTHROUGHLINE_RECORDER_VALUE_MODEL=value.yaml'}</code>
      </pre>
    </Empty>
  </>
)

const Value = ({ route }: { route: Route }) => {
  const period = route.params.get('period') ?? undefined
  const answer = useAnswer(
    `value ${period}`,
    (client, signal) => client.value(known({ period }), { signal }),
    60_000,
  )
  const trend = useAnswer('trend', (client, signal) => client.valueTrend({ months: 12 }, { signal }))
  const frozen = useAnswer('frozen', (client, signal) => client.frozenReports({ signal }))
  const { data, error } = answer
  return (
    <>
      <div class="head">
        <div>
          <h1>Value</h1>
          {data !== undefined && <About report={data.report} />}
        </div>
        <div class="tools">
          <PeriodPicker
            period={data?.report.period.name ?? period}
            choose={(name) => go(linkWith(route, { period: name }))}
          />
          {data !== undefined && (
            <>
              <button
                type="button"
                onClick={() => download(`value-${data.report.period.name}.csv`, csvOf(data.report))}
              >
                CSV
              </button>
              <button type="button" onClick={() => print()}>
                Print
              </button>
            </>
          )}
        </div>
      </div>
      {error !== undefined && <Failure error={error} stale={data !== undefined} retry={answer.reload} />}
      {data === undefined ? (
        answer.loading ? (
          <Loading rows={6} />
        ) : (
          error instanceof ApiError && error.status === 400 && <a href={linkTo('value')}>Show this month</a>
        )
      ) : (
        <Report answer={data} />
      )}
      <Trend trend={trend} />
      <Frozen frozen={frozen} />
    </>
  )
}

const About = ({ report }: { report: ValueReport }) => {
  const { period } = report
  const last = new Date(Date.parse(period.until) - 1).toISOString().slice(0, 10)
  return (
    <p class="muted">
      {report.model}, {period.from.slice(0, 10)} to {last} (UTC){period.complete ? '' : ', still running'} ·
      made {moment(report.madeAt)} · <span title={report.modelSha256}>{report.file}</span>
    </p>
  )
}

const Report = ({ answer }: { answer: ValueAnswer }) => {
  const { report, conflicts, differences, frozen } = answer
  return (
    <>
      {report.warnings.filter(isNews(report)).map((warning) => (
        <p key={warning} class="notice" role="note">
          {warning}
        </p>
      ))}
      {frozen !== null && (
        <p class={`notice ${differences.length > 0 ? '' : 'calm'}`} role="note">
          Frozen <Time at={frozen.frozenAt} /> by {frozen.frozenBy}, revision {frozen.revision}.{' '}
          {differences.length === 0
            ? 'Made again today it is the same.'
            : `Made again today ${plural(differences.length, 'figure')} would differ: see below.`}
        </p>
      )}
      <Figures report={report} differences={differences} />
      {conflicts.length > 0 && (
        <section class="card">
          <h2>Claims that do not follow</h2>
          {conflicts.map(({ source, message }) => (
            <p key={`${source} ${message}`}>
              <b>{source}:</b> {message}
            </p>
          ))}
        </section>
      )}
    </>
  )
}

/** That the period still runs stands in the head already. */
const isNews =
  ({ period }: ValueReport) =>
  (warning: string): boolean =>
    warning !== `${period.name} is not over`

const Trend = ({ trend: { data, error, loading, reload } }: { trend: Answer<TrendAnswer> }) => {
  const names = useMemo(() => namesOf(data), [data])
  const [chosen, setChosen] = useState('savings')
  const name = names.includes(chosen) ? chosen : names[0]
  const shown = useMemo(
    () => ({
      times: (data?.months ?? []).map(({ period }) => Date.parse(`${period}-01T00:00:00Z`) / 1000),
      lines: [
        {
          name: title(name ?? ''),
          color: '--bar',
          kind: 'bar' as const,
          values: (data?.months ?? []).map(({ figures }) => numberOf(figures[name ?? ''])),
        },
      ],
    }),
    [data, name],
  )
  if (error !== undefined) return <Failure error={error} stale={data !== undefined} retry={reload} />
  if (data === undefined) return loading ? <Loading rows={4} /> : null
  if (name === undefined) return null
  const last = data.months.at(-1)
  return (
    <section class="trend">
      <Chart
        title="By month"
        summary={`${title(name)} in ${plural(data.months.length, 'month')}; the last one, ${last?.period}, has ${last?.figures[name] ?? 'none'}.`}
        times={shown.times}
        lines={shown.lines}
        format={(value) => value.toLocaleString('en-US', { maximumFractionDigits: 2 })}
        time={(seconds) => new Date(seconds * 1000).toISOString().slice(0, 7)}
      />
      <label class="pick">
        Figure{' '}
        <select value={name} onChange={(event) => setChosen(event.currentTarget.value)}>
          {names.map((one) => (
            <option key={one} value={one}>
              {title(one)}
            </option>
          ))}
        </select>
      </label>
    </section>
  )
}

/** Those with a number in at least one month. */
const namesOf = (data: TrendAnswer | undefined): string[] => {
  const names = new Set<string>()
  for (const { figures } of data?.months ?? [])
    for (const [name, value] of Object.entries(figures)) if (numberOf(value) !== null) names.add(name)
  return [...names]
}

const numberOf = (value: string | null | undefined): number | null => {
  const number = value === null || value === undefined ? Number.NaN : Number(value)
  return Number.isFinite(number) ? number : null
}

const Frozen = ({ frozen: { data, error, loading, reload } }: { frozen: Answer<FrozenListAnswer> }) => (
  <section class="card frozen">
    <h2>Frozen reports</h2>
    {error !== undefined && <Failure error={error} stale={data !== undefined} retry={reload} />}
    {data === undefined ? (
      loading && <Loading />
    ) : data.reports.length === 0 ? (
      <p class="muted calm">
        None yet. <code>throughline value freeze 2026-10</code> stores the inputs and results of a month that
        is over; a later change of the model never changes them.
      </p>
    ) : (
      <ul class="versions">
        {data.reports.map((one) => (
          <li key={one.id}>
            <a href={linkTo('value', { period: one.period })}>{one.period}</a>
            <span class="muted">
              revision {one.revision}, <Time at={one.frozenAt} /> by {one.frozenBy}
            </span>
            <code title={one.modelSha256}>{one.modelSha256.slice(0, 8)}</code>
          </li>
        ))}
      </ul>
    )}
  </section>
)

const csvOf = (report: ValueReport): string => {
  const head = ['figure', 'value', 'unit', 'rows', 'formula', 'note', 'period', 'model', 'model_sha256']
  const lines = report.figures.map((one) => [
    one.name,
    one.value ?? '',
    one.unit,
    String(one.rows),
    one.formula,
    one.note ?? '',
    report.period.name,
    report.model,
    report.modelSha256,
  ])
  return [head, ...lines].map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join('')
}

/** RFC 4180; a text that a spreadsheet would take for a formula is led by an apostrophe, a negative number is not. */
const cellOf = (text: string): string => {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(?:\.\d+)?$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
