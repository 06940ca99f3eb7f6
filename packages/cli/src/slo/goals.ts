import type { ValueModel } from '@throughline/recorder/value'
import { CliError } from '../errors.js'

export type Objective = ValueModel['objectives'][number]

/** One promise of an objective, as PromQL sees it. */
export interface Goal {
  slo: string
  kind: 'success' | 'latency'
  about: string | null
  /** Share that is promised, 0 to 1. */
  target: number
  windowDays: number
  /** On each of its series and alerts. */
  labels: Record<string, string>
  /** Operations a second that count, over a window. */
  counted: (window: string) => string
  /** Of them those that broke the promise. */
  missed: (window: string) => string
}

/** Bounds of `throughline.operation.duration`, in seconds: docs/reference/record.md. Between two of them a histogram knows nothing. */
export const BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]

/** The goals of all objectives. Throws `TL_USAGE` for a latency that is no bound of the histogram. */
export const goalsOf = (objectives: readonly Objective[]): Goal[] =>
  objectives.flatMap((one) => [
    ...(one.success === null ? [] : [successOf(one, one.success)]),
    ...(one.latency === null ? [] : [latencyOf(one, one.latency)]),
  ])

const successOf = (one: Objective, target: number): Goal => {
  // A success has no error.type, which fits every !~.
  const counts =
    one.leaveOut.length === 0 ? [] : [`error_type!~${quoted(one.leaveOut.map(literal).join('|'))}`]
  return {
    ...common(one, 'success', target),
    counted: (window) => rateOf('count', window, one, ...counts),
    missed: (window) => rateOf('count', window, one, ...counts, 'outcome!="success"'),
  }
}

const latencyOf = (one: Objective, { share, withinMs }: NonNullable<Objective['latency']>): Goal => {
  const bound = boundOf(one.name, withinMs)
  return {
    ...common(one, 'latency', share),
    counted: (window) => rateOf('count', window, one),
    missed: (window) => `${rateOf('count', window, one)} - ${rateOf('bucket', window, one, bound)}`,
  }
}

const common = (one: Objective, kind: Goal['kind'], target: number) => ({
  slo: one.name,
  kind,
  about: one.about,
  target,
  windowDays: one.windowDays,
  labels: {
    slo: one.name,
    goal: kind,
    ...(one.service === null ? {} : { service_name: one.service }),
    operation_service: one.operationService,
    operation_name: one.operation,
  },
})

const rateOf = (end: 'count' | 'bucket', window: string, one: Objective, ...more: string[]): string => {
  const conditions = [
    ...(one.service === null ? [] : [`service_name=${quoted(one.service)}`]),
    `operation_service=${quoted(one.operationService)}`,
    `operation_name=${quoted(one.operation)}`,
    ...more,
  ]
  return `sum by (deployment_environment_name) (rate(throughline_operation_duration_seconds_${end}{${conditions.join(',')}}[${window}]))`
}

/** Whole seconds are `1` when they were pushed and `1.0` when they were scraped. */
const boundOf = (name: string, withinMs: number): string => {
  const bound = withinMs / 1_000
  if (BOUNDS.includes(bound))
    return Number.isInteger(bound) ? `le=~"${bound}|${bound}\\\\.0"` : `le="${bound}"`
  const lower = BOUNDS.findLast((one) => one < bound)
  const upper = BOUNDS.find((one) => one > bound)
  const near = [lower, upper].flatMap((one) => (one === undefined ? [] : [`${one * 1_000}`])).join(' or ')
  throw new CliError(
    'TL_USAGE',
    `objectives.${name}.latency.within_ms is ${withinMs}, which is no bound of the histogram in Prometheus: use ${near}. (GET /metrics/performance, from the rows, takes any.)`,
  )
}

/** A regular expression that fits this text alone. */
const literal = (text: string): string => text.replace(/[\\^$*+?.()|[\]{}]/g, String.raw`\$&`)

/** A string of PromQL. */
const quoted = (text: string): string => JSON.stringify(text)
