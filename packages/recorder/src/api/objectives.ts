import { type OperationFigures, readOperations } from '@throughline/postgres/rollups'
import type { Pool } from 'pg'
import type { Objective } from '../value/model.js'
import type { PerformanceAnswer } from './schemas/performance.js'
import type { filterOf } from './window.js'

type Shown = PerformanceAnswer['objectives'][number]
type Goal = Shown['goals'][number]

const dayMs = 86_400_000

/** Those of the one operation that is asked for; none for a question about several. */
export const objectivesOf = (
  objectives: readonly Objective[],
  { operation, operationService, service }: ReturnType<typeof filterOf>,
): Objective[] =>
  objectives.filter(
    (one) =>
      one.operation === operation &&
      (operationService === undefined || one.operationService === operationService) &&
      (service === undefined || one.service === null || one.service === service),
  )

/**
 * How each objective stands over its own window, which ends now. `asked` are the figures of the question: from them comes
 * how fast the budget is used.
 */
export const readObjectives = async (
  db: Pick<Pool, 'query'>,
  objectives: readonly Objective[],
  now: number,
  asked: OperationFigures | undefined,
): Promise<Shown[]> => {
  const shown: Shown[] = []
  for (const one of objectives) {
    const { operationService, operation, service } = one
    const { from, until, figures } = await readOperations(db, {
      from: new Date(now - one.windowDays * dayMs),
      until: new Date(now),
      operationService,
      operation,
      ...(service === null ? {} : { service }),
    })
    shown.push({
      name: one.name,
      about: one.about,
      service,
      operationService,
      operation,
      window: { from: from.toISOString(), until: until.toISOString(), days: one.windowDays },
      leaveOut: [...one.leaveOut],
      goals: goalsOf(one, figures[0], asked),
    })
  }
  return shown
}

const goalsOf = (
  { success, leaveOut, latency }: Objective,
  figures: OperationFigures | undefined,
  asked: OperationFigures | undefined,
): Goal[] => [
  ...(success === null
    ? []
    : [
        {
          kind: 'success' as const,
          withinMs: null,
          ...standing(success, failuresIn(figures, leaveOut), failuresIn(asked, leaveOut)),
        },
      ]),
  ...(latency === null
    ? []
    : [
        {
          kind: 'latency' as const,
          withinMs: latency.withinMs,
          ...standing(latency.share, slowIn(figures, latency.withinMs), slowIn(asked, latency.withinMs)),
        },
      ]),
]

type Counted = { counted: number; missed: number }

const standing = (
  target: number,
  { counted, missed }: Counted,
  asked: Counted,
): Omit<Goal, 'kind' | 'withinMs'> => {
  const allowed = (1 - target) * counted
  const none = counted === 0
  return {
    target,
    counted,
    missed,
    allowed: round(allowed),
    reached: none ? null : 1 - missed / counted,
    // By numbers, not by the share: 0.999 is no binary fraction.
    met: none ? null : missed <= allowed + 1e-9 * counted,
    budgetLeft: none ? null : round(1 - missed / allowed),
    burnRate: asked.counted === 0 ? null : round(asked.missed / asked.counted / (1 - target)),
  }
}

const round = (value: number): number => Number(value.toFixed(6))

/** Failures of types that are left out count neither as kept nor as missed. */
const failuresIn = (figures: OperationFigures | undefined, leaveOut: readonly string[]): Counted => {
  if (figures === undefined) return { counted: 0, missed: 0 }
  const left = figures.errors
    .filter(({ type }) => type !== null && leaveOut.includes(type))
    .reduce((sum, { count }) => sum + count, 0)
  return { counted: figures.count - left, missed: figures.failures - left }
}

/** An operation lies in the middle of its bucket: within 1.09 % of what it took. */
const slowIn = (figures: OperationFigures | undefined, withinMs: number): Counted => {
  if (figures === undefined) return { counted: 0, missed: 0 }
  const { buckets, counts } = figures.histogram
  const missed = buckets.reduce((sum, bucket, at) => {
    const middleMs = bucket < -32_000 ? 0 : 2 ** ((bucket + 0.5) / 32) / 1000
    return middleMs > withinMs ? sum + counts[at]! : sum
  }, 0)
  return { counted: figures.count, missed }
}
