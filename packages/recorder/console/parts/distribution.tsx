import type { PerformanceAnswer } from '../../src/client.js'
import { count, duration, percent, short } from '../format.js'

type Bucket = PerformanceAnswer['distribution'][number]

/** How many operations took so long, on a logarithmic scale; the percentiles stand where they fall. */
export const Distribution = ({ answer }: { answer: PerformanceAnswer }) => {
  const { distribution, total } = answer
  const first = distribution[0]
  const last = distribution.at(-1)
  if (first === undefined || last === undefined) return <p class="muted calm">Nothing was measured.</p>
  const low = Math.log(Math.max(first.fromMs, first.toMs / 2, 0.001))
  const high = Math.log(Math.max(last.toMs, 0.002))
  const at = (ms: number): number =>
    Math.min(100, Math.max(0, (100 * (Math.log(Math.max(ms, 0.001)) - low)) / (high - low || 1)))
  const most = Math.max(...distribution.map((bucket) => bucket.count))
  const marks = [
    { name: 'p50', ms: total.p50Ms },
    { name: 'p95', ms: total.p95Ms },
    { name: 'p99', ms: total.p99Ms },
  ].filter((mark): mark is { name: string; ms: number } => mark.ms !== null)
  return (
    <div class="distribution">
      <div
        class="field"
        role="img"
        aria-label={`${count(total.count)} operations between ${duration(first.fromMs)} and ${duration(last.toMs)}: ${marks.map(({ name, ms }) => `${name} ${duration(ms)}`).join(', ')}.`}
      >
        <span class="buckets">
          {distribution.map((bucket) => (
            <span
              key={bucket.fromMs}
              class="bucket"
              title={titleOf(bucket, total.count)}
              style={{
                left: `${at(bucket.fromMs)}%`,
                width: `${Math.max(0.3, at(bucket.toMs) - at(bucket.fromMs))}%`,
                height: `${Math.max(1.5, (100 * bucket.count) / most)}%`,
              }}
            />
          ))}
        </span>
        {marks.map(({ name, ms }, row) => (
          <span
            key={name}
            class={`percentile ${at(ms) > 85 ? 'left' : ''} row-${row}`}
            style={{ left: `${at(ms)}%` }}
          >
            <b>{name}</b> {duration(ms)}
          </span>
        ))}
      </div>
      <div class="scale" aria-hidden="true">
        {ticks(low, high).map((ms) => (
          <span key={ms} style={{ left: `${at(ms)}%` }}>
            {duration(ms).replace(/\.0+ /, ' ')}
          </span>
        ))}
      </div>
      <p class="muted small">Highest bar: {short(most)} operations. Each bar is an eighth of a doubling.</p>
    </div>
  )
}

const titleOf = (bucket: Bucket, total: number): string =>
  `${duration(bucket.fromMs)} to ${duration(bucket.toMs)}: ${count(bucket.count)} (${percent(bucket.count / total)})`

/** Powers of ten, with 3 and 1 between them where few would fit. */
const ticks = (low: number, high: number): number[] => {
  const decades = (high - low) / Math.LN10
  const steps = decades > 3 ? [1] : decades > 1.2 ? [1, 3] : [1, 1.5, 2, 3, 5, 7]
  const found: number[] = []
  for (let power = Math.floor(low / Math.LN10); power <= Math.ceil(high / Math.LN10); power += 1)
    for (const step of steps) {
      const ms = step * 10 ** power
      if (Math.log(ms) >= low && Math.log(ms) <= high) found.push(Number(ms.toPrecision(2)))
    }
  return found
}
