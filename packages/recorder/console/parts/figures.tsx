import type { ComponentChildren } from 'preact'
import type { PerformanceAnswer } from '../../src/client.js'
import { ago, change, count, duration, fullMoment, moment, percent, plural, points, rate } from '../format.js'

/** `<time>` in the browser's zone, with the whole moment as its title. */
export const Time = ({ at, relative = false }: { at: string; relative?: boolean }) => (
  <time dateTime={at} title={fullMoment(at)}>
    {relative ? ago(at) : moment(at)}
  </time>
)

type TileProps = { name: string; value: string; children?: ComponentChildren; tone?: 'bad' | undefined }

export const Tile = ({ name, value, children, tone }: TileProps) => (
  <div class={`tile ${tone ?? ''}`}>
    <dt>{name}</dt>
    <dd>
      <span class="big">{value}</span>
      <span class="small muted">{children}</span>
    </dd>
  </div>
)

/** `better` says which way is good; a change below one per cent is no news. */
const Moved = ({
  by,
  better,
  text,
}: {
  by: number | null
  better: 'up' | 'down' | 'none'
  text: (by: number) => string
}) => {
  if (by === null) return null
  const good = better === 'none' || Math.abs(by) < 0.01 ? undefined : by > 0 === (better === 'up')
  const tone = good === undefined ? '' : good ? 'good' : 'worse'
  return (
    <>
      <span class={`moved ${tone}`}>{text(by)}</span> vs. before
    </>
  )
}

/** The figures of a window in one strip, each against the window before. */
export const FigureStrip = ({
  answer,
  children,
}: {
  answer: PerformanceAnswer
  children?: ComponentChildren
}) => {
  const { total, change: moved } = answer
  return (
    <dl class="tiles card">
      <Tile name="Operations" value={count(total.count)}>
        {rate(total.perSecond)} ·{' '}
        {moved.count === null ? 'none before' : <Moved by={moved.count} better="none" text={change} />}
      </Tile>
      <Tile name="Success" value={percent(total.successRate)} tone={total.failures > 0 ? 'bad' : undefined}>
        {count(total.failures)} failed{moved.successRate !== null && ' · '}
        <Moved by={moved.successRate} better="up" text={points} />
      </Tile>
      <Tile name="Median (p50)" value={duration(total.p50Ms)}>
        <Moved by={moved.p50Ms} better="down" text={change} />
      </Tile>
      <Tile name="p95" value={duration(total.p95Ms)}>
        <Moved by={moved.p95Ms} better="down" text={change} />
      </Tile>
      <Tile name="p99" value={duration(total.p99Ms)}>
        <Moved by={moved.p99Ms} better="down" text={change} />
      </Tile>
      {children}
    </dl>
  )
}

/** Where the figures are from: every number can be traced to its rows. */
export const SourceLine = ({ answer }: { answer: PerformanceAnswer }) => {
  const { source, total } = answer
  return (
    <p class="source muted small">
      {plural(source.fromSums, 'operation')} from sums, {count(source.fromRows)} from rows that are not summed
      up yet. Counts are exact; percentiles are within 1.09 %. Longest {duration(total.maxMs)}, average{' '}
      {duration(total.averageMs)}.
    </p>
  )
}
