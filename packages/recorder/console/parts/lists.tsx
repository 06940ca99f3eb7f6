import type { OperationBrief, PerformanceAnswer } from '../../src/client.js'
import { count, duration, percent, rate } from '../format.js'
import { linkTo, linkToId } from '../router.js'
import { Time } from './figures.js'
import { CheckIcon, CrossIcon, OutIcon } from './icons.js'
import { Scroll } from './scroll.js'

export const Outcome = ({ success, type }: { success: boolean; type?: string | null }) => (
  <span class={`outcome ${success ? 'good' : 'bad'}`}>
    {success ? <CheckIcon /> : <CrossIcon />}
    {success ? 'success' : (type ?? 'failed')}
  </span>
)

/** A link out. Its address comes from the recorder's options; whatever that is, it may not be a script. */
export const Outside = ({ href, children }: { href: string; children: string }) =>
  /^https?:\/\//i.test(href) ? (
    <a class="outside" href={href} target="_blank" rel="noreferrer noopener">
      {children} <OutIcon />
    </a>
  ) : null

export const operationName = ({
  operationService,
  operation,
}: {
  operationService: string
  operation: string
}): string => (operationService === '' ? operation : `${operationService}.${operation}`)

/** The page of an operation keeps the window that is looked at. */
export const operationLink = (
  one: { service: string; operationService: string; operation: string },
  params: URLSearchParams,
): string =>
  linkTo('operation', {
    hours: params.get('hours'),
    from: params.get('from'),
    until: params.get('until'),
    service: one.service,
    operation_service: one.operationService,
    operation: one.operation,
  })

type OperationsProps = { operations: PerformanceAnswer['operations']; params: URLSearchParams }

export const OperationTable = ({ operations, params }: OperationsProps) => {
  const most = Math.max(...operations.map((one) => one.count))
  return (
    <Scroll label="Operations">
      <table>
        <thead>
          <tr>
            <th scope="col">Operation</th>
            <th scope="col">Service</th>
            <th scope="col" class="number">
              Count
            </th>
            <th scope="col" class="number">
              Rate
            </th>
            <th scope="col" class="number">
              Success
            </th>
            <th scope="col" class="number">
              p50
            </th>
            <th scope="col" class="number">
              p95
            </th>
            <th scope="col" class="number">
              p99
            </th>
          </tr>
        </thead>
        <tbody>
          {operations.map((one) => (
            <tr key={`${one.service} ${operationName(one)}`}>
              <th scope="row" class="name">
                <a href={operationLink(one, params)}>{operationName(one)}</a>
                <span class="share" style={{ width: `${(100 * one.count) / most}%` }} />
              </th>
              <td class="muted name">{one.service}</td>
              <td class="number">{count(one.count)}</td>
              <td class="number muted">{rate(one.perSecond)}</td>
              <td class={`number ${one.failures > 0 ? 'worse' : ''}`}>{percent(one.successRate)}</td>
              <td class="number">{duration(one.p50Ms)}</td>
              <td class="number">{duration(one.p95Ms)}</td>
              <td class="number">{duration(one.p99Ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

type Bar = { name: string; count: number; failures?: number; href?: string | undefined }

/** Names with a bar each; the longest is the most frequent. */
export const Bars = ({ bars, tone }: { bars: readonly Bar[]; tone?: 'bad' }) => {
  const most = Math.max(1, ...bars.map((bar) => bar.count))
  return (
    <ul class={`bars ${tone ?? ''}`}>
      {bars.map((bar, at) => (
        <li key={`${at} ${bar.name}`}>
          <span class="name" title={bar.name}>
            {bar.href === undefined ? bar.name : <a href={bar.href}>{bar.name}</a>}
          </span>
          <span class="number">
            {bar.failures !== undefined && bar.failures > 0 && (
              <span class="worse small">{count(bar.failures)} failed </span>
            )}
            {count(bar.count)}
          </span>
          <span class="track">
            <span style={{ width: `${(100 * bar.count) / most}%` }} />
          </span>
        </li>
      ))}
    </ul>
  )
}

type ErrorProps = { answer: Pick<PerformanceAnswer, 'errors' | 'otherErrors'>; none?: string }

export const ErrorBars = ({ answer, none = 'No operation failed in this window.' }: ErrorProps) => {
  const bars = answer.errors.map(({ type, count: times }) => ({
    name: type ?? 'without a type',
    count: times,
  }))
  if (answer.otherErrors > 0) bars.push({ name: 'other types', count: answer.otherErrors })
  if (bars.length === 0) return <p class="muted calm">{none}</p>
  return <Bars bars={bars} tone="bad" />
}

/** One line an operation, each leading to its correlation ID. */
export const BriefList = ({
  operations,
  by = 'duration',
}: {
  operations: readonly OperationBrief[]
  by?: 'duration' | 'time'
}) => (
  <ul class="briefs">
    {operations.map((one) => (
      <li key={`${one.traceId}${one.spanId}${one.startedAt}`}>
        <span class={`lead number ${by === 'duration' ? '' : 'muted'}`}>
          {by === 'duration' ? duration(one.durationMs) : <Time at={one.startedAt} />}
        </span>
        <span class="what">
          <a href={linkToId(one.correlationId)} title={one.correlationId}>
            {operationName(one)}
          </a>
          <span class="about muted small">
            <span class="name">
              {one.service}
              {one.userId === null ? '' : ` · ${one.userId}`} · <code>{one.correlationId}</code>
            </span>
            {one.jaegerUrl !== null && <Outside href={one.jaegerUrl}>Jaeger</Outside>}
          </span>
        </span>
        <span class="end">
          <Outcome success={one.success} type={one.errorType} />
          <span class="muted small number">
            {by === 'duration' ? <Time at={one.startedAt} /> : duration(one.durationMs)}
          </span>
        </span>
      </li>
    ))}
  </ul>
)
