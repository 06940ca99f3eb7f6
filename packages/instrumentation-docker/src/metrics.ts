import {
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
  metrics,
  type ObservableGauge,
  type ObservableUpDownCounter,
} from '@opentelemetry/api'

export const SCOPE = '@throughline/instrumentation-docker'
export const VERSION = '0.1.0'

/** 1 ms, the quickest answer of an engine near by, to a minute: a `wait` lasts longer, and is no figure of the engine's. */
const CALL_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** The instruments of one engine; `engine` tells several apart and is on everything. */
export interface Instruments {
  readonly meter: Meter
  readonly engine: Attributes
  readonly apiDuration: Histogram
  readonly apiInFlight: ObservableUpDownCounter
  readonly apiErrors: Counter
  readonly createDuration: Histogram
  readonly engineChanges: Counter
  readonly cpuUsage: Counter
  readonly cpuThrottled: Counter
  readonly oomKills: Counter
  readonly blockIo: Counter
  readonly networkIo: Counter
  readonly running: ObservableGauge
  readonly memoryUsage: ObservableGauge
  readonly memoryWorkingSet: ObservableGauge
  readonly memoryLimit: ObservableGauge
}

/** Of the provider that is registered now: OpenTelemetry's metrics API hands nothing on to one that comes later. */
export function createInstruments(engine: Attributes): Instruments {
  const meter = metrics.getMeter(SCOPE, VERSION)
  const seconds = { unit: 's', advice: { explicitBucketBoundaries: CALL_BOUNDS } }
  return {
    meter,
    engine,
    apiDuration: meter.createHistogram('docker.api.duration', {
      ...seconds,
      description: 'From a call of the Docker API to its answer; of a stream, to its head',
    }),
    apiInFlight: meter.createObservableUpDownCounter('docker.api.in_flight', {
      unit: '{call}',
      description: 'Calls of the Docker API without an answer yet',
    }),
    apiErrors: meter.createCounter('docker.api.errors', {
      unit: '{call}',
      description: 'Calls of the Docker API that were answered with 4xx or 5xx, or not at all',
    }),
    createDuration: meter.createHistogram('container.create.duration', {
      ...seconds,
      description: 'Creation of a container',
    }),
    engineChanges: meter.createCounter('docker.engine.changes', {
      unit: '{change}',
      description: 'Times that the engine came into a state: up, unreachable, slow, invalid',
    }),
    cpuUsage: meter.createCounter('container.cpu.usage', {
      unit: 's',
      description: 'CPU time of containers',
    }),
    cpuThrottled: meter.createCounter('container.cpu.throttled', {
      unit: 's',
      description: 'Time for which containers were held back by their CPU limit',
    }),
    oomKills: meter.createCounter('container.oom_kills', {
      unit: '{kill}',
      description: 'Kills for memory in containers',
    }),
    blockIo: meter.createCounter('container.block_io', {
      unit: 'By',
      description: 'Bytes to and from block devices',
    }),
    networkIo: meter.createCounter('container.network.io', {
      unit: 'By',
      description: 'Bytes over the network interfaces of containers',
    }),
    running: meter.createObservableGauge('container.running', {
      unit: '{container}',
      description: 'Running containers that are followed',
    }),
    memoryUsage: meter.createObservableGauge('container.memory.usage', {
      unit: 'By',
      description: 'Memory of running containers, page cache included',
    }),
    memoryWorkingSet: meter.createObservableGauge('container.memory.working_set', {
      unit: 'By',
      description: 'Memory of running containers that the kernel cannot take back at once',
    }),
    memoryLimit: meter.createObservableGauge('container.memory.limit', {
      unit: 'By',
      description: 'Memory limits of running containers; without one it is the memory of the host',
    }),
  }
}
