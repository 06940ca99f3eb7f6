import { RecorderError } from '../errors.js'
import type { Filter } from './schemas/common.js'

type WindowParameters = { hours?: number; from?: string; until?: string }
export type TimeWindow = { from: Date; until: Date }

const hourMs = 3_600_000
/** Before this there are no rows, and not every time is one for Postgres. */
const earliest = Date.UTC(1970, 0)

const refuse = (message: string): never => {
  throw new RecorderError('TL_PARAMETER', message)
}

const timeOf = (name: string, text: string): number => {
  const time = Date.parse(text)
  if (Number.isNaN(time)) refuse(`${name} is ${text}, not a time`)
  return Math.max(time, earliest)
}

/** The window that is asked for: `hours` from `from` on, or up to `until` or now; or from `from` to `until`. */
export const windowOf = (
  { hours, from, until }: WindowParameters,
  now: number,
  limits: { defaultHours: number; maxHours: number },
): TimeWindow => {
  if (from !== undefined && until !== undefined && hours !== undefined)
    refuse('of from, until and hours two are enough')
  const first = from === undefined ? undefined : timeOf('from', from)
  const end =
    until !== undefined
      ? timeOf('until', until)
      : first !== undefined && hours !== undefined
        ? first + hours * hourMs
        : now
  const start = first ?? end - (hours ?? limits.defaultHours) * hourMs
  if (end <= start) refuse('the window ends before it begins')
  if (end - start > limits.maxHours * hourMs) refuse(`the window is longer than ${limits.maxHours} hours`)
  return { from: new Date(Math.max(start, earliest)), until: new Date(end) }
}

/** The same for a question that may be asked of all time. */
export const openWindowOf = (
  parameters: WindowParameters,
  now: number,
  limits: { defaultHours: number; maxHours: number },
): Partial<TimeWindow> => {
  const { hours, from, until } = parameters
  return hours === undefined && from === undefined && until === undefined
    ? {}
    : windowOf(parameters, now, limits)
}

/** Steps that a picture has unless it asks for others. */
const usualSteps = 120
const minuteMs = 60_000
const usualStepsMs = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 10_080].map((m) => m * minuteMs)

/** The step, in ms, that cuts a window into about a hundred. */
export const usualStepOf = (lengthMs: number): number =>
  usualStepsMs.find((stepMs) => lengthMs / stepMs <= usualSteps) ?? usualStepsMs.at(-1)!

type OperationParameters = {
  service?: string
  version?: string
  operation?: string
  operation_service?: string
  user?: string
}

/** `operation` is split at its last dot unless the part before it is given by itself. */
export const filterOf = (parameters: OperationParameters) => {
  const { service, version, user, operation: asked, operation_service: given } = parameters
  const dot = given === undefined ? (asked?.lastIndexOf('.') ?? -1) : -1
  const operationService = dot > 0 ? asked?.slice(0, dot) : given
  const operation = dot > 0 ? asked?.slice(dot + 1) : asked
  return {
    ...(service === undefined ? {} : { service }),
    ...(version === undefined ? {} : { version }),
    ...(operationService === undefined ? {} : { operationService }),
    ...(operation === undefined ? {} : { operation }),
    ...(user === undefined ? {} : { user }),
  }
}

export const shownFilter = (filter: ReturnType<typeof filterOf>): Filter => ({
  service: filter.service ?? null,
  version: filter.version ?? null,
  operationService: filter.operationService ?? null,
  operation: filter.operation ?? null,
  user: filter.user ?? null,
})
