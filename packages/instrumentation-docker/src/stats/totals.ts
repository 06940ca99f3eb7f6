import type { Attributes, BatchObservableCallback } from '@opentelemetry/api'
import type { Instruments } from '../metrics.js'
import type { Sample } from './cgroup.js'

/** The figures of one container, as of its last sample. */
export interface ContainerUsage {
  cpuSeconds: number
  throttledSeconds: number
  memoryBytes: number
  workingSetBytes: number
  memoryLimitBytes: number
  /** The highest memory: of the kernel where it says so (cgroup v1), else of the samples. */
  memoryPeakBytes: number
  readBytes: number
  writtenBytes: number
  receivedBytes: number
  sentBytes: number
  oomKills: number
  /** Once it has ended. */
  exitCode: number | undefined
  sampledAt: Date
}

/** A container that is followed. */
export interface Followed {
  readonly id: string
  readonly type: string
  /** Steady clock, ms: when it was put here, and when its figures are due. */
  readonly since: number
  dueAt: number
  busy: boolean
  /** Its start was seen: its first figures are all new. Of one that ran before, only what it adds is ours to count. */
  fromStart: boolean
  last: Sample | undefined
  lastAt: number
  peakBytes: number
  oomKills: number
}

/** The sums that grow, with the counter and the attribute that each goes to. */
const GROWING = [
  ['cpuSeconds', 'cpuUsage', {}],
  ['throttledSeconds', 'cpuThrottled', {}],
  ['readBytes', 'blockIo', { 'disk.io.direction': 'read' }],
  ['writtenBytes', 'blockIo', { 'disk.io.direction': 'write' }],
  ['receivedBytes', 'networkIo', { 'network.io.direction': 'receive' }],
  ['sentBytes', 'networkIo', { 'network.io.direction': 'transmit' }],
] as const

/** Adds what is new in a sample to the counters of the container's type. */
export function addSample(instruments: Instruments, container: Followed, sample: Sample): void {
  const before = container.last
  for (const [key, counter, direction] of GROWING) {
    const added = growth(before?.[key], sample[key], container.fromStart)
    if (added > 0)
      instruments[counter].add(added, { ...instruments.engine, 'job.type': container.type, ...direction })
  }
  container.last = sample
  container.lastAt = Date.now()
  container.peakBytes = Math.max(container.peakBytes, sample.peakBytes ?? sample.memoryBytes)
}

/** A sum that is lower than before began anew, as after a restart of the container. */
function growth(before: number | undefined, now: number, fromStart: boolean): number {
  if (before === undefined) return fromStart ? now : 0
  return now >= before ? now - before : now
}

interface Sums {
  running: number
  sampled: number
  usage: number
  workingSet: number
  limit: number
}

/** The gauges: sums over the containers of a type whose last sample is not older than `maxAgeMs`. Answers what ends it. */
export function observeMemory(
  instruments: Instruments,
  containers: () => Iterable<Followed>,
  maxAgeMs: number,
): () => void {
  const { running, memoryUsage, memoryWorkingSet, memoryLimit } = instruments
  const observe: BatchObservableCallback = (result) => {
    const types = new Map<string, Sums>()
    const oldest = Date.now() - maxAgeMs
    for (const { type, last, lastAt } of containers()) {
      const sums = types.get(type) ?? { running: 0, sampled: 0, usage: 0, workingSet: 0, limit: 0 }
      types.set(type, sums)
      sums.running += 1
      // What was last heard before an outage is not how it is now.
      if (last === undefined || lastAt < oldest) continue
      sums.sampled += 1
      sums.usage += last.memoryBytes
      sums.workingSet += last.workingSetBytes
      sums.limit += last.limitBytes
    }
    for (const [type, sums] of types) {
      const attributes: Attributes = { ...instruments.engine, 'job.type': type }
      result.observe(running, sums.running, attributes)
      if (sums.sampled === 0) continue
      result.observe(memoryUsage, sums.usage, attributes)
      result.observe(memoryWorkingSet, sums.workingSet, attributes)
      result.observe(memoryLimit, sums.limit, attributes)
    }
  }
  const all = [running, memoryUsage, memoryWorkingSet, memoryLimit]
  instruments.meter.addBatchObservableCallback(observe, all)
  return () => instruments.meter.removeBatchObservableCallback(observe, all)
}

export function usageOf(container: Followed, exitCode: number | undefined): ContainerUsage | undefined {
  const { last } = container
  if (last === undefined) return undefined
  return {
    cpuSeconds: last.cpuSeconds,
    throttledSeconds: last.throttledSeconds,
    memoryBytes: last.memoryBytes,
    workingSetBytes: last.workingSetBytes,
    memoryLimitBytes: last.limitBytes,
    memoryPeakBytes: container.peakBytes,
    readBytes: last.readBytes,
    writtenBytes: last.writtenBytes,
    receivedBytes: last.receivedBytes,
    sentBytes: last.sentBytes,
    oomKills: container.oomKills,
    exitCode,
    sampledAt: new Date(container.lastAt),
  }
}
