import { useMemo } from 'preact/hooks'
import type { PerformanceAnswer } from '../../src/client.js'
import { count, duration, percent, plural, short } from '../format.js'
import { Chart, type ChartMark, type Line } from './chart.js'

type Props = { answer: PerformanceAnswer; onMark: (fromMs: number, untilMs: number) => void }

/** Throughput and percentiles over time, with deploys as marks. */
export const PerformanceCharts = ({ answer, onMark }: Props) => {
  const { times, throughput, latency } = useMemo(() => linesOf(answer), [answer])
  const marks = useMemo(() => marksOf(answer), [answer])
  const { total } = answer
  const step = duration(answer.window.stepMs)
    .replace(/ 00 (?:s|min)$/, '')
    .replace(/\.00 s$/, ' s')
  return (
    <div class="pair">
      <Chart
        title={`Throughput per ${step}`}
        summary={`${plural(total.count, 'operation')}, ${count(total.failures)} of them failed.`}
        times={times}
        lines={throughput}
        format={operations}
        marks={marks}
        onMark={onMark}
      />
      <Chart
        title="Latency"
        summary={`Median ${duration(total.p50Ms)}, 95th percentile ${duration(total.p95Ms)}, 99th ${duration(total.p99Ms)}; success ${percent(total.successRate)}.`}
        times={times}
        lines={latency}
        format={duration}
        marks={marks}
        onMark={onMark}
      />
    </div>
  )
}

/** There is no half of an operation: an axis between two of them has no text. */
const operations = (value: number): string => (Number.isInteger(value) ? short(value) : '')

/** Steps without an operation are not in the answer; in the picture they are zero, or a gap. */
const linesOf = ({
  window,
  steps,
}: PerformanceAnswer): { times: number[]; throughput: Line[]; latency: Line[] } => {
  const byStart = new Map(steps.map((step) => [Date.parse(step.start), step]))
  const first = Math.floor(Date.parse(window.from) / window.stepMs) * window.stepMs
  const aligned = steps[0] === undefined ? first : alignedTo(Date.parse(steps[0].start), first, window.stepMs)
  const starts: number[] = []
  for (let at = aligned; at < Date.parse(window.until); at += window.stepMs) starts.push(at)
  const found = starts.map((at) => byStart.get(at))
  const line = (
    name: string,
    color: string,
    value: (step: NonNullable<(typeof found)[number]>) => number | null,
  ) =>
    ({
      name,
      color,
      kind: 'line',
      values: found.map((step) => (step === undefined ? null : value(step))),
    }) as const
  return {
    times: starts.map((at) => at / 1000),
    throughput: [
      { name: 'all', color: '--bar', kind: 'bar', values: found.map((step) => step?.count ?? 0) },
      { name: 'failed', color: '--bad', kind: 'bar', values: found.map((step) => step?.failures ?? 0) },
    ],
    latency: [
      line('p50', '--p50', (step) => step.p50Ms),
      line('p95', '--p95', (step) => step.p95Ms),
      line('p99', '--p99', (step) => step.p99Ms),
    ],
  }
}

/** The last start at or before `first` on the grid that `known` is on. */
const alignedTo = (known: number, first: number, stepMs: number): number => {
  const before = known - Math.ceil((known - first) / stepMs) * stepMs
  return known <= first ? known : before
}

const marksOf = ({ versions }: PerformanceAnswer): ChartMark[] =>
  versions
    .filter(({ deployed, version }) => deployed && version !== null)
    .map(({ firstSeen, version }) => ({
      at: Date.parse(firstSeen) / 1000,
      label: (version ?? '').slice(0, 24),
    }))
