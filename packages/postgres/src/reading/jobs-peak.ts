import { setImmediate as turn } from 'node:timers/promises'
import { spanBytes } from '../rollups/sql/job-cells.js'

/** Jobs of a queue and type that began in one minute: 12 bytes each, as in `throughline.rollup_job_spans`. */
export type Spans = { queue: string; type: string; start: Date; spans: Buffer }

export type Peak = { jobs: number; at: Date }

type Peaks = {
  total: Peak | undefined
  ofQueue: (queue: string) => Peak | undefined
  ofType: (queue: string, type: string) => Peak | undefined
}

/** Begin and end of jobs, each in order, in microseconds since the window began. */
type Series = { starts: Float64Array; ends: Float64Array }

/** Sorting more than this at once is felt by the other readers of the process. */
const turnEvery = 50_000

/**
 * How many jobs ran at once, exactly: +1 at each start, -1 at each end, in the order of time; at one moment ends come
 * first. Which start belongs to which end does not matter, so both are put in order by themselves. Jobs that began
 * before the window count from its beginning. Of `earlier` they are all that counts: the rest is in `within`.
 */
export const peaksOf = async (
  from: Date,
  within: readonly Spans[],
  earlier: readonly Spans[],
): Promise<Peaks> => {
  const queues = new Map<string, Map<string, Series[]>>()
  for (const [all, isEarlier] of [
    [within, false],
    [earlier, true],
  ] as const)
    for (const one of all) {
      const series = decode(one, from, isEarlier)
      if (series.starts.length === 0) continue
      const types = queues.get(one.queue) ?? new Map<string, Series[]>()
      queues.set(one.queue, types)
      const found = types.get(one.type)
      if (found === undefined) types.set(one.type, [series])
      else found.push(series)
    }

  const ofTypes = new Map<string, Peak>()
  const ofQueues = new Map<string, Peak>()
  const all: Series[] = []
  for (const [queue, types] of queues) {
    const parts: Series[] = []
    for (const [type, series] of types) {
      const ordered = await inOrder(series)
      ofTypes.set(keyOf(queue, type), peakOf(ordered, from))
      parts.push(ordered)
    }
    const ordered = await merged(parts)
    ofQueues.set(queue, peakOf(ordered, from))
    all.push(ordered)
  }
  const total = all.length === 0 ? undefined : peakOf(await merged(all), from)
  return {
    total,
    ofQueue: (queue) => ofQueues.get(queue),
    ofType: (queue, type) => ofTypes.get(keyOf(queue, type)),
  }
}

const keyOf = (queue: string, type: string): string => `${queue.length} ${queue} ${type}`

const decode = ({ start, spans }: Spans, from: Date, isEarlier: boolean): Series => {
  const base = (start.getTime() - from.getTime()) * 1_000
  const most = spans.length / spanBytes
  const starts = new Float64Array(most)
  const ends = new Float64Array(most)
  let count = 0
  for (let at = 0; at < spans.length; at += spanBytes) {
    const begin = base + spans.readInt32BE(at)
    const end = begin + spans.readInt32BE(at + 4) * 2 ** 32 + spans.readUInt32BE(at + 8)
    if (end <= 0 || (isEarlier && begin >= 0)) continue
    starts[count] = Math.max(begin, 0)
    ends[count] = end
    count += 1
  }
  return { starts: starts.subarray(0, count), ends: ends.subarray(0, count) }
}

const inOrder = async (series: readonly Series[]): Promise<Series> => {
  const starts = joined(series.map((one) => one.starts)).sort()
  const ends = joined(series.map((one) => one.ends)).sort()
  if (starts.length > turnEvery) await turn()
  return { starts, ends }
}

/** The same of series that are in order already, several times as fast. */
const merged = async (series: readonly Series[]): Promise<Series> => {
  let parts = series
  while (parts.length > 1) {
    const pairs: Series[] = []
    for (let at = 0; at < parts.length; at += 2) {
      const [one, other] = [parts[at]!, parts[at + 1]]
      pairs.push(
        other === undefined
          ? one
          : { starts: merge(one.starts, other.starts), ends: merge(one.ends, other.ends) },
      )
    }
    parts = pairs
    if (parts[0]!.starts.length > turnEvery) await turn()
  }
  return parts[0]!
}

const merge = (a: Float64Array, b: Float64Array): Float64Array => {
  const result = new Float64Array(a.length + b.length)
  let [i, j] = [0, 0]
  for (let at = 0; at < result.length; at += 1) {
    const fromA = j >= b.length || (i < a.length && a[i]! <= b[j]!)
    result[at] = fromA ? a[i]! : b[j]!
    if (fromA) i += 1
    else j += 1
  }
  return result
}

const joined = (parts: readonly Float64Array[]): Float64Array => {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const peakOf = ({ starts, ends }: Series, from: Date): Peak => {
  let ended = 0
  let jobs = 0
  let atUs = 0
  for (let begun = 0; begun < starts.length; begun += 1) {
    const moment = starts[begun]!
    while (ends[ended]! <= moment) ended += 1
    const running = begun + 1 - ended
    if (running > jobs) [jobs, atUs] = [running, moment]
  }
  return { jobs, at: new Date(from.getTime() + Math.floor(atUs / 1_000)) }
}
