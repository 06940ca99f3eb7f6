import { useMemo } from 'preact/hooks'
import type { JobsAnswer } from '../../src/client.js'
import { duration, plural, short } from '../format.js'
import { Chart, type Line } from './chart.js'

type Step = JobsAnswer['steps'][number]
type Props = { answer: JobsAnswer; onMark: (fromMs: number, untilMs: number) => void }

/** Jobs and how long they wait and take, over time. */
export const JobCharts = ({ answer, onMark }: Props) => {
  const { times, jobs, latency } = useMemo(() => linesOf(answer), [answer])
  const step = duration(answer.window.stepMs)
    .replace(/ 00 (?:s|min)$/, '')
    .replace(/\.00 s$/, ' s')
  const { total } = answer
  return (
    <div class="pair">
      <Chart
        title={`Jobs per ${step}`}
        summary={`${plural(total.count, 'job')} ended, ${total.failed} of them failed.`}
        times={times}
        lines={jobs}
        format={(value) => (Number.isInteger(value) ? short(value) : '')}
        onMark={onMark}
      />
      <Chart
        title="Launch and duration"
        summary={`Launch ${duration(total.launch.averageMs)}, duration ${duration(total.duration.averageMs)} on average.`}
        times={times}
        lines={latency}
        format={duration}
        onMark={onMark}
      />
    </div>
  )
}

/** Where the steps of the recorder are counted from. */
const originMs = Date.UTC(2000, 0)

const linesOf = ({ window, steps }: JobsAnswer): { times: number[]; jobs: Line[]; latency: Line[] } => {
  const { stepMs } = window
  const byStart = new Map(steps.map((step) => [Date.parse(step.start), step]))
  const starts: number[] = []
  const first = originMs + Math.floor((Date.parse(window.from) - originMs) / stepMs) * stepMs
  for (let at = first; at < Date.parse(window.until); at += stepMs) starts.push(at)
  const found = starts.map((at) => byStart.get(at))
  const of = (value: (step: Step) => number | null, none: number | null): (number | null)[] =>
    found.map((step) => (step === undefined ? none : value(step)))
  return {
    times: starts.map((at) => at / 1000),
    jobs: [
      { name: 'ended', color: '--bar', kind: 'bar', values: of((step) => step.count, 0) },
      { name: 'failed', color: '--bad', kind: 'bar', values: of((step) => step.failed, 0) },
    ],
    latency: [
      { name: 'launch', color: '--hue-2', kind: 'line', values: of((step) => step.launchMs, null) },
      { name: 'duration', color: '--p95', kind: 'line', values: of((step) => step.averageMs, null) },
    ],
  }
}
