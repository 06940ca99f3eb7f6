import { expect, test } from 'vitest'
import { allFigures, type JobScope, scopeOf } from '../../../packages/recorder/console/parts/job-figures.js'
import {
  crossingsOf,
  isCrossed,
  parseThresholds,
  type Threshold,
  withLimit,
} from '../../../packages/recorder/console/parts/thresholds.js'
import type { JobFigures, JobsAnswer, QueueState } from '../../../packages/recorder/src/client.js'

const spread = { count: 0, averageMs: null, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null }
const figures: JobFigures = {
  count: 4,
  completed: 3,
  failed: 1,
  cancelled: 0,
  retried: 0,
  successRate: 0.75,
  perSecond: 0.5,
  duration: { ...spread, count: 4, averageMs: 2_000, p95Ms: 3_000 },
  launch: spread,
  phases: [],
  failures: [],
  otherFailures: 0,
  peak: { jobs: 3, at: '2026-11-22T07:00:00.000Z' },
}
const state = (depth: number | null, ageSeconds = 5, stale = false): QueueState => ({
  checkedAt: '2026-11-22T07:00:00.000Z',
  ageSeconds,
  stale,
  pending: depth,
  running: 1,
  completed: null,
  failed: null,
  cancelled: null,
  depth,
  oldestAgeSeconds: 9,
})
const answer = {
  filter: { queue: null, type: null },
  total: figures,
  queues: [
    { queue: 'a', ...figures, state: state(10) },
    { queue: 'b', ...figures, state: state(null, 90, true) },
    { queue: 'c', ...figures, state: null },
  ],
  hosts: [],
} as unknown as JobsAnswer
const figure = (key: string) => allFigures.find((one) => one.key === key)!

test('of all queues the state is the sums, the longest wait and the oldest check', () => {
  expect(scopeOf(answer, null)!.state).toMatchObject({
    depth: 10,
    running: 2,
    completed: null,
    oldestAgeSeconds: 9,
    ageSeconds: 90,
    stale: true,
  })
  expect(scopeOf(answer, 'c')!.state).toBeNull()
  expect(scopeOf(answer, 'd')).toBeUndefined()
})

test('a threshold is crossed beyond its limit, not at it; what is not known crosses none', () => {
  const scope = scopeOf(answer, 'a') as JobScope
  expect(isCrossed(figure('depth'), scope, 9)).toBe(true)
  expect(isCrossed(figure('depth'), scope, 10)).toBe(false)
  expect(isCrossed(figure('success'), scope, 75.1)).toBe(true)
  expect(isCrossed(figure('success'), scope, 75)).toBe(false)
  expect(isCrossed(figure('launch'), scope, 0)).toBe(false)
  expect(isCrossed(figure('depth'), scope, undefined)).toBe(false)
})

test('those that are crossed are told, of the queues that the answer knows', () => {
  const thresholds: Threshold[] = [
    { queue: 'a', figure: 'depth', limit: 5 },
    { queue: null, figure: 'peak', limit: 2 },
    { queue: 'b', figure: 'depth', limit: 0 },
    { queue: 'gone', figure: 'peak', limit: 0 },
  ]
  expect(crossingsOf(thresholds, answer)).toEqual([
    { queue: 'a', title: 'Queue depth', text: '10, above 5 jobs' },
    { queue: null, title: 'Peak at once', text: '3, above 2 jobs' },
  ])
  // An answer of one queue says nothing of all of them.
  const ofOne = { ...answer, filter: { queue: 'a', type: null } }
  expect(crossingsOf(thresholds, ofOne).map(({ queue }) => queue)).toEqual(['a'])
})

test('a limit replaces the one before it, and is taken away', () => {
  const once = withLimit([], null, 'depth', 5)
  expect(withLimit(once, null, 'depth', 6)).toEqual([{ queue: null, figure: 'depth', limit: 6 }])
  expect(withLimit(once, 'a', 'depth', 6)).toHaveLength(2)
  expect(withLimit(once, null, 'depth', undefined)).toEqual([])
})

test.each([
  null,
  '',
  '{',
  'null',
  '7',
  '{"length": 3}',
  '[null, 1, "x", [], {}]',
  '[{"queue": 1, "figure": "depth", "limit": 1}]',
  '[{"queue": null, "figure": "__proto__", "limit": 1}]',
  '[{"queue": null, "figure": "depth", "limit": "1"}]',
  '[{"queue": null, "figure": "depth", "limit": -1}]',
  '[{"queue": null, "figure": "depth", "limit": 1e999}]',
])('what the browser kept as %s is no threshold', (text) => {
  expect(parseThresholds(text)).toEqual([])
})

test('what was kept is read again, and not more of it than there is room for', () => {
  const kept = Array.from({ length: 300 }, (_, n) => ({ queue: `q${n}`, figure: 'depth', limit: n, more: 1 }))
  const parsed = parseThresholds(JSON.stringify(kept))
  expect(parsed).toHaveLength(200)
  expect(parsed[0]).toEqual({ queue: 'q0', figure: 'depth', limit: 0 })
})
