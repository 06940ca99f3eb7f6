import type { JobsAnswer } from '../../src/client.js'
import { allFigures, type JobFigure, type JobScope, limitText, scopeOf } from './job-figures.js'

/** What a person wants to be told of: a figure of one queue (null: of all together) beyond a limit. */
export type Threshold = { queue: string | null; figure: string; limit: number }

/** More than anybody sets by hand; what a page keeps for itself has an end. */
const maxThresholds = 200

const figureOf = (key: unknown): JobFigure | undefined => allFigures.find((figure) => figure.key === key)

const isThreshold = (value: unknown): value is Threshold => {
  if (typeof value !== 'object' || value === null) return false
  const { queue, figure, limit } = value as Record<string, unknown>
  return (
    (queue === null || (typeof queue === 'string' && queue.length <= 512)) &&
    figureOf(figure) !== undefined &&
    isLimit(limit)
  )
}

export const isLimit = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= 1e12

/** Whatever the browser kept: what is no threshold is left out. */
export const parseThresholds = (text: string | null): Threshold[] => {
  try {
    const kept: unknown = JSON.parse(text ?? '[]')
    if (!Array.isArray(kept)) return []
    return kept
      .filter(isThreshold)
      .slice(0, maxThresholds)
      .map(({ queue, figure, limit }) => ({ queue, figure, limit }))
  } catch {
    return []
  }
}

const isOf = (threshold: Threshold, queue: string | null, figure: string): boolean =>
  threshold.queue === queue && threshold.figure === figure

export const limitOf = (
  thresholds: readonly Threshold[],
  queue: string | null,
  figure: string,
): number | undefined => thresholds.find((one) => isOf(one, queue, figure))?.limit

/** With this limit in place of the one before; undefined takes it away. */
export const withLimit = (
  thresholds: readonly Threshold[],
  queue: string | null,
  figure: string,
  limit: number | undefined,
): Threshold[] => {
  const others = thresholds.filter((one) => !isOf(one, queue, figure))
  return limit === undefined ? others : [...others, { queue, figure, limit }].slice(-maxThresholds)
}

/** What is not known crosses nothing. */
export const isCrossed = (figure: JobFigure, scope: JobScope, limit: number | undefined): boolean => {
  const value = limit === undefined ? null : figure.read(scope)
  if (value === null || limit === undefined) return false
  return figure.bad === 'above' ? value > limit : value < limit
}

export type Crossing = { queue: string | null; title: string; text: string }

/** Those that this answer can tell of: it may be of one queue alone. */
export const crossingsOf = (thresholds: readonly Threshold[], answer: JobsAnswer): Crossing[] =>
  thresholds.flatMap(({ queue, figure: key, limit }) => {
    const figure = figureOf(key)
    const scope = queue === null && answer.filter.queue !== null ? undefined : scopeOf(answer, queue)
    if (figure === undefined || scope === undefined || !isCrossed(figure, scope, limit)) return []
    const value = figure.show(figure.read(scope))
    return [{ queue, title: figure.title, text: `${value}, ${figure.bad} ${limitText(limit, figure.unit)}` }]
  })
