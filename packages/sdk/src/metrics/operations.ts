import type { Operation, OperationNames } from '@throughline/core/runtime'
import type { Metric } from '@throughline/otlp'
import type { Notices } from '../notices.js'
import { DURATION_BOUNDS } from './buckets.js'
import { takeExemplar } from './exemplar.js'
import { durationPoint, type PointTimes, sumPoint } from './points.js'
import { type DurationSeries, durationSeries, recordDuration, type SumSeries, sumSeries } from './series.js'
import { isSlow, type KeepSlow, type SlowLimit, slowLimit } from './slow.js'

/** Beyond it, new operations share one overflow series, so that names made at run time cannot fill memory. */
const MAX_SERIES = 2_000
/** 20 kinds of errors an operation have series of their own; the rest is `other`. */
const MAX_ERROR_TYPES = 20

/** The series of one kind of operation; hangs on its names, so the hot path makes no look-up by label. */
interface Bound {
  readonly owner: object
  readonly active: SumSeries
  readonly success: DurationSeries
  readonly slow: SlowLimit
  readonly failures: Map<string, DurationSeries>
  businessFailure: DurationSeries | undefined
  abandoned: DurationSeries | undefined
}

export interface OperationMetrics {
  started(operation: Operation): void
  /** Counts it. True when it failed or was slow, so that its picture is to be kept whatever the head sampler said. */
  ended(operation: Operation): boolean
  collect(times: PointTimes): Metric[]
  /** Operations that ended, of all kinds. */
  count(): number
}

/** `throughline.operation.duration` and `throughline.operation.active`. */
export function createOperationMetrics(
  serviceName: string,
  notices: Notices,
  keepSlow: KeepSlow = 'p99',
): OperationMetrics {
  const owner = {}
  const durations: DurationSeries[] = []
  const actives: SumSeries[] = []
  /** By labels: several functions may bear one name, and wrapping inside a function makes new names at each call. */
  const bounds = new Map<string, Bound>()
  let overflow: Bound | undefined

  function bind(names: OperationNames): Bound {
    const bound = names.bound as Bound | undefined
    if (bound?.owner === owner) return bound
    const labels = labelsOf(names)
    const key = `${labels['operation.service']}\u0000${labels['operation.name']}`
    let known = bounds.get(key)
    if (known === undefined) {
      known = durations.length < MAX_SERIES ? create(labels) : overflowBound(names)
      // What joins the overflow is not remembered by name: that is the point of it.
      if (known !== overflow) bounds.set(key, known)
    }
    names.bound = known
    return known
  }

  function labelsOf(names: OperationNames) {
    return { 'operation.service': names.service ?? serviceName, 'operation.name': names.operation }
  }

  function overflowBound(names: OperationNames): Bound {
    notices.note(
      'series_overflow',
      `throughline.operation.duration has ${MAX_SERIES} series; ${names.spanName} joins the overflow`,
    )
    overflow ??= create({ 'otel.metric.overflow': 'true' })
    return overflow
  }

  function create(labels: Record<string, string>): Bound {
    const active = sumSeries(labels)
    actives.push(active)
    const success = add({ ...labels, outcome: 'success' })
    return {
      owner,
      active,
      success,
      slow: slowLimit(),
      failures: new Map(),
      businessFailure: undefined,
      abandoned: undefined,
    }
  }

  function add(labels: Record<string, string>): DurationSeries {
    const series = durationSeries(labels)
    durations.push(series)
    return series
  }

  function seriesOf(bound: Bound, operation: Operation): DurationSeries {
    if (operation.outcome === 'success') return bound.success
    const labels = bound.active.labels
    if (operation.outcome === 'abandoned') {
      bound.abandoned ??= add({ ...labels, outcome: 'abandoned' })
      return bound.abandoned
    }
    if (operation.failure === undefined) {
      bound.businessFailure ??= add({ ...labels, outcome: 'failure' })
      return bound.businessFailure
    }
    const room = bound.failures.size < MAX_ERROR_TYPES && durations.length < MAX_SERIES
    const type = bound.failures.has(operation.failure.type) || room ? operation.failure.type : 'other'
    let series = bound.failures.get(type)
    if (series === undefined) {
      series = add({ ...labels, outcome: 'failure', 'error.type': type })
      bound.failures.set(type, series)
    }
    return series
  }

  return {
    started(operation) {
      bind(operation.names).active.value += 1
    },
    ended(operation) {
      const bound = bind(operation.names)
      bound.active.value -= 1
      const series = seriesOf(bound, operation)
      const seconds = operation.durationMs / 1_000
      const bucket = recordDuration(series, seconds)
      const kept = operation.outcome !== 'success' || isSlow(bound.slow, operation.durationMs, keepSlow)
      const at = operation.startSteadyMs + operation.durationMs
      const pictured = kept && operation.recorded
      const shown = series.exemplars[bucket]
      series.exemplars[bucket] = takeExemplar(shown, operation, seconds, at, notices, pictured)
      return kept
    },
    collect(times) {
      const used = durations.filter((series) => series.count > 0)
      if (actives.length === 0) return []
      return [
        {
          name: 'throughline.operation.duration',
          description: 'Duration of tracked operations, from the call to its end.',
          unit: 's',
          data: {
            kind: 'histogram',
            temporality: 'cumulative',
            points: used.map((series) => durationPoint(series, DURATION_BOUNDS, times)),
          },
        },
        {
          name: 'throughline.operation.active',
          description: 'Tracked operations that have begun and not ended.',
          unit: '{operation}',
          data: {
            kind: 'sum',
            monotonic: false,
            temporality: 'cumulative',
            points: actives.map((series) => sumPoint(series, series.value, times)),
          },
        },
      ]
    },
    count: () => durations.reduce((sum, series) => sum + series.count, 0),
  }
}
