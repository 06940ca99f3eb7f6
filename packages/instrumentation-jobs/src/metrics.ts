import {
  type Attributes,
  type BatchObservableResult,
  type Counter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from '@opentelemetry/api'
import { guard } from './guard.js'
import { SCOPE, VERSION } from './version.js'

/** Seconds, 5 ms to ten minutes: a launch waits for a slot, an image, an engine. */
const LAUNCH_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
/** Seconds, 10 ms to four hours: a job may take its time. */
const JOB_BOUNDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 14_400]
/** Seconds, 1 ms to one minute: one request to a database or an engine. */
const CHECK_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export interface Instruments {
  readonly launches: Counter
  readonly containerDuration: Histogram
  readonly launchLatency: Histogram
  readonly phase: Histogram
  readonly duration: Histogram
  readonly processed: Counter
  readonly failures: Counter
  readonly enqueued: Counter
  readonly retries: Counter
  readonly stalls: Counter
  readonly check: Histogram
  readonly checked: Counter
  readonly checkFailures: Counter
}

/** What is read when a reader asks: the present, by name of the gauge. */
const GAUGES = {
  'container.active.jobs': ['{job}', 'Jobs of this process that run'],
  'job.concurrent': ['{job}', 'Jobs that this process has, those being launched included'],
  'job.concurrent.peak': ['{job}', 'The most that it had at once in the last one to two minutes, exactly'],
  'job.count': ['{job}', 'Jobs by status, as the queue itself says'],
  'job.queue.depth': ['{job}', 'Jobs that wait for a worker, as the queue itself says'],
  'job.queue.oldest_age': ['s', 'How long the one that waits longest has waited'],
  'job.state.age': ['s', 'How long ago the queue itself last said what is shown of it'],
  'host.utilization': ['1', 'Share in use of cpu, memory, disk and slots'],
} as const

export type Report = (gauge: keyof typeof GAUGES, value: number, attributes: Attributes) => void

/** Says the present; answers whether it has to be asked again. */
export type Source = (report: Report) => boolean

const sources = new Set<Source>()

let made: { provider: MeterProvider; instruments: Instruments } | undefined

/**
 * The instruments of the meter provider that is registered now. An instrument of the API that was made before an SDK came counts nothing
 * for good, so they are made again when the provider is another.
 */
export function instruments(): Instruments {
  const provider = metrics.getMeterProvider()
  if (made === undefined || made.provider !== provider) {
    const meter = provider.getMeter(SCOPE, VERSION)
    made = { provider, instruments: make(meter) }
    observe(meter)
  }
  return made.instruments
}

/** Has `source` asked for its present at each collection. */
export function observed(source: Source): void {
  sources.add(source)
}

function make(meter: Meter): Instruments {
  const seconds = (name: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries } })
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(name, { unit, description })
  return {
    launches: counter('container.job.launches', '{launch}', 'Jobs that came to run'),
    containerDuration: seconds('container.job.duration', 'From running to the end of a job', JOB_BOUNDS),
    launchLatency: seconds('job.launch.latency', 'From enqueued to running', LAUNCH_BOUNDS),
    phase: seconds('job.phase.duration', 'One phase of a job', LAUNCH_BOUNDS),
    duration: seconds('job.duration', 'From taken by a worker to the end of a job', JOB_BOUNDS),
    processed: counter('job.processed', '{job}', 'Jobs that ended, by how'),
    failures: counter('job.failures', '{job}', 'Jobs that failed, by type of error'),
    enqueued: counter('job.enqueued', '{job}', 'Jobs that were enqueued'),
    retries: counter('job.retries', '{job}', 'Jobs that will be tried again'),
    stalls: counter('job.stalls', '{job}', 'Jobs that lost their worker and went back to the queue'),
    check: seconds('job.status_check.duration', 'One check of the status of jobs', CHECK_BOUNDS),
    checked: counter('job.status_check.jobs', '{job}', 'Jobs whose status was checked'),
    checkFailures: counter('job.status_check.failures', '{check}', 'Status checks that failed'),
  }
}

function observe(meter: Meter): void {
  const gauges = Object.fromEntries(
    Object.entries(GAUGES).map(([name, [unit, description]]) => {
      const options = { unit, description }
      // A sum that comes and goes, told as it is: a count of ups and downs would be wrong for good after a provider that came late.
      return name === 'container.active.jobs'
        ? [name, meter.createObservableUpDownCounter(name, options)]
        : [name, meter.createObservableGauge(name, options)]
    }),
  ) as Record<keyof typeof GAUGES, Observable>
  meter.addBatchObservableCallback((result: BatchObservableResult) => {
    const report: Report = (gauge, value, attributes) => result.observe(gauges[gauge], value, attributes)
    for (const source of sources)
      if (guard('observation of a queue', () => source(report)) === false) sources.delete(source)
  }, Object.values(gauges))
}
