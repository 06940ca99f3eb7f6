import { inSnapshot, type OperationRecord, readSlowest, readVersions } from '@throughline/postgres/reading'
import { mergeFigures, querySplits, readOperations } from '@throughline/postgres/rollups'
import type { FastifyInstance } from 'fastify'
import { RecorderError } from '../errors.js'
import { changeOf, distributionOf, shownFigures } from './figures.js'
import { objectivesOf, readObjectives } from './objectives.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { PerformanceAnswer, PerformanceQuery } from './schemas/performance.js'
import { briefOf, jaegerLink } from './shown-operation.js'
import { filterOf, shownFilter, usualStepOf, windowOf } from './window.js'

const minuteMs = 60_000
const units = { m: minuteMs, h: 60 * minuteMs, d: 1_440 * minuteMs }
const maxSteps = 1_500
const maxHours = 9_600
/** One user's figures come from the rows of the whole window. */
const maxHoursOfUser = 744

/** `GET /metrics/performance`. */
export const addPerformanceRoute = (api: FastifyInstance, parts: ApiParts): void => {
  const link = jaegerLink(parts.settings.traceLink)
  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/performance',
      role: 'read',
      tag: 'metrics',
      summary:
        'How operations went: numbers, success, durations, errors, the slowest, against the window before',
      description:
        'From sums per minute, hour and day; minutes that are not summed up yet come from the rows, and `source` says how many operations that were. All figures are of one moment.',
      query: PerformanceQuery,
      answer: PerformanceAnswer,
    },
    async ({ query }) => answerOf(query as PerformanceQuery),
  )

  const answerOf = async (query: PerformanceQuery): Promise<PerformanceAnswer> => {
    const now = Date.now()
    const limits = { defaultHours: 24, maxHours: query.user === undefined ? maxHours : maxHoursOfUser }
    const window = windowOf(query, now, limits)
    const filter = filterOf(query)
    const { top = 20, slowest = 10 } = query
    const lengthMs = Math.max(minuteMs, Math.min(window.until.getTime(), now) - window.from.getTime())
    const stepMs = stepOf(query.step, lengthMs)
    const earlier = { from: new Date(window.from.getTime() - lengthMs), until: window.from }

    const read = await inSnapshot(parts.reads, async (db) => {
      const answers = await querySplits(db, { ...window, ...filter }, [
        { stepMs, limit: maxSteps + 2 },
        { by: ['service', 'operation'], limit: top },
      ])
      // Histograms are merged here while Postgres is at work there.
      const [slow, [steps, operations]] = await Promise.all([
        slowest === 0 ? ([] as OperationRecord[]) : readSlowest(db, { ...window, ...filter, limit: slowest }),
        Promise.resolve().then(answers),
      ])
      return {
        steps: steps!,
        operations: operations!,
        slowest: slow,
        before: await readOperations(db, { ...earlier, ...filter }),
        versions: await readVersions(db, { ...window, service: filter.service }),
      }
    })
    const { steps, operations } = read
    const { from, until } = steps
    const total = mergeFigures(steps.figures)
    const seconds = (Math.min(until.getTime(), now) - from.getTime()) / 1000
    const before = shownFigures(read.before.figures[0], lengthMs / 1000)
    const shown = shownFigures(total, seconds)
    const promised = objectivesOf(parts.model?.objectives ?? [], filter)
    const cuts = [
      ...(operations.cut ? [`operations: only the ${top} most frequent are listed (top)`] : []),
      ...(steps.cut ? [`steps: only ${maxSteps}`] : []),
    ]
    return {
      window: { from: from.toISOString(), until: until.toISOString(), stepMs },
      filter: shownFilter(filter),
      source: { fromSums: (total?.count ?? 0) - (total?.fromRows ?? 0), fromRows: total?.fromRows ?? 0 },
      total: shown,
      before: {
        from: read.before.from.toISOString(),
        until: read.before.until.toISOString(),
        figures: before,
      },
      change: changeOf(shown, before),
      steps: steps.figures
        .slice(0, maxSteps + 1)
        .sort((a, b) => a.start.getTime() - b.start.getTime())
        .map((one) => ({ start: one.start.toISOString(), ...shownFigures(one, stepMs / 1000) })),
      operations: operations.figures.map((one) => ({
        service: one.service ?? '',
        operationService: one.operationService ?? '',
        operation: one.operation ?? '',
        ...shownFigures(one, seconds),
      })),
      errors: total?.errors ?? [],
      otherErrors: total?.otherErrors ?? 0,
      distribution: distributionOf(total),
      versions: read.versions.map(({ firstSeen, lastSeen, ...one }) => ({
        ...one,
        firstSeen: firstSeen.toISOString(),
        lastSeen: lastSeen.toISOString(),
        deployed: firstSeen > from,
      })),
      objectives: await readObjectives(parts.reads, promised, now, total),
      slowest: read.slowest.map((row) => briefOf(row, link)),
      truncated: cuts.length > 0,
      cuts,
    }
  }
}

const stepOf = (asked: string | undefined, lengthMs: number): number => {
  if (asked === undefined) return usualStepOf(lengthMs)
  const stepMs = Number(asked.slice(0, -1)) * units[asked.at(-1) as keyof typeof units]
  if (lengthMs / stepMs > maxSteps)
    throw new RecorderError('TL_PARAMETER', `steps of ${asked} are more than ${maxSteps} in this window`)
  return stepMs
}
