import type { VersionSums, VersionValues } from '@throughline/postgres/reading'
import type { Finding } from './schemas/compare.js'
import { clusteredVariance, fisher, twoSided, zOf } from './statistics.js'

export type Judge = {
  confidence: number
  /** Smaller relative changes are noise. */
  least: number
}

/** Below this a share or a mean is no ground for anything. */
const enough = 30
/** The exact test walks over this many tables at most; beyond it the normal distribution is as good. */
const maxExact = 2_000
/** Shares that differ by less than a thousandth are the same to everybody. */
const leastShare = 0.001

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
const signed = (share: number): string => `${share >= 0 ? '+' : ''}${percent(share)}`

type Share = { count: number; of: number; variance?: number }

/** Two shares: how many failed, how many were slow. More is worse. */
const shareFinding = (
  what: Finding['what'],
  name: string | null,
  judge: Judge & { tests?: number },
  [old, now]: readonly [Share, Share],
  words: string,
): Finding => {
  const [before, after] = [old.count / old.of, now.count / now.of]
  const change = after - before
  const pooled = (old.count + now.count) / (old.of + now.of)
  const chance = pooled * (1 - pooled) * (1 / old.of + 1 / now.of)
  const bursts = (old.variance ?? 0) + (now.variance ?? 0)
  const error = Math.sqrt(Math.max(chance, bursts))
  const exact = old.count + now.count <= maxExact ? fisher(old.count, old.of, now.count, now.of) : 0
  // Several types are several tries: each must be that much surer.
  const pValue = Math.min(1, Math.max(exact, error > 0 ? twoSided(change / error) : 1) * (judge.tests ?? 1))
  const margin = zOf(judge.confidence) * error
  const few = old.of < enough || now.of < enough
  const real = pValue < 1 - judge.confidence && Math.abs(change) >= leastShare
  const verdict = few ? 'too few' : !real ? 'noise' : change > 0 ? 'worse' : 'better'
  return {
    what,
    name,
    old: before,
    new: after,
    change,
    interval: { low: change - margin, high: change + margin },
    pValue,
    verdict,
    text: `${words}: ${percent(before)} → ${percent(after)} (${old.count} of ${old.of}, ${now.count} of ${now.of})`,
  }
}

export const failureFinding = (judge: Judge, old: VersionSums, now: VersionSums): Finding => {
  const share = (one: VersionSums): Share => ({
    count: one.failures,
    of: one.count,
    variance: clusteredVariance(one.failures / one.count, one.count, one.steps, [
      one.failuresSquared,
      one.failuresTimesCount,
      one.countSquared,
    ]),
  })
  return shareFinding('failures', null, judge, [share(old), share(now)], 'failures')
}

export const errorFindings = (
  judge: Judge,
  counts: readonly { type: string | null; old: number; now: number }[],
  [old, now]: readonly [VersionSums, VersionSums],
): Finding[] =>
  counts.map(({ type, ...failed }) =>
    shareFinding(
      'error_type',
      type,
      { ...judge, tests: counts.length },
      [
        { count: failed.old, of: old.count },
        { count: failed.now, of: now.count },
      ],
      type ?? 'failures without a type',
    ),
  )

export const tailFinding = (judge: Judge, thresholdMs: number, shares: readonly [Share, Share]): Finding =>
  shareFinding(
    'tail',
    null,
    judge,
    shares,
    `slower than ${thresholdMs.toFixed(1)} ms, the old 95th percentile`,
  )

/** The typical duration of a success: the geometric mean, as durations differ by factors. */
export const latencyFinding = (judge: Judge, old: VersionSums, now: VersionSums): Finding => {
  const typical = (one: VersionSums) => {
    const count = one.count - one.failures
    const mean = one.logSum / count
    const plain = Math.max(0, one.logSquares / count - mean ** 2) / Math.max(1, count - 1)
    const bursts = clusteredVariance(mean, count, one.steps, [
      one.logSumSquared,
      one.logSumTimesCount,
      one.successesSquared,
    ])
    return { count, mean, variance: Math.max(plain, bursts), ms: Math.exp(mean) / 1000 }
  }
  const [before, after] = [typical(old), typical(now)]
  const words = 'typical duration of a success'
  if (before.count < enough || after.count < enough) return tooFew('latency', null, words, before, after)
  const difference = after.mean - before.mean
  const error = Math.sqrt(before.variance + after.variance)
  const pValue = error > 0 ? twoSided(difference / error) : difference === 0 ? 1 : 0
  const margin = zOf(judge.confidence) * error
  const change = Math.exp(difference) - 1
  const real = pValue < 1 - judge.confidence && Math.abs(change) >= judge.least
  return {
    what: 'latency',
    name: null,
    old: before.ms,
    new: after.ms,
    change,
    interval: { low: Math.exp(difference - margin) - 1, high: Math.exp(difference + margin) - 1 },
    pValue,
    verdict: !real ? 'noise' : change > 0 ? 'worse' : 'better',
    text: `${words}: ${before.ms.toFixed(2)} ms → ${after.ms.toFixed(2)} ms (${signed(change)})`,
  }
}

/** Value per success, whether it has one or not. Less is worse. */
export const valueFinding = (
  judge: Judge,
  [name, currency]: readonly [string, string | null],
  values: { old: VersionValues | undefined; now: VersionValues | undefined },
  [old, now]: readonly [VersionSums, VersionSums],
): Finding => {
  const perSuccess = (sums: VersionSums, one: VersionValues | undefined) => {
    const count = sums.count - sums.failures
    const mean = (one?.sum ?? 0) / count
    return {
      count,
      mean,
      variance: Math.max(0, (one?.squares ?? 0) / count - mean ** 2) / Math.max(1, count - 1),
    }
  }
  const [before, after] = [perSuccess(old, values.old), perSuccess(now, values.now)]
  const unit = currency === null ? '' : ` ${currency}`
  const label = `${name}${unit}`
  const words = `${label} per success`
  if (before.count < enough || after.count < enough) return tooFew('value', label, words, before, after)
  const difference = after.mean - before.mean
  const error = Math.sqrt(before.variance + after.variance)
  const pValue = error > 0 ? twoSided(difference / error) : difference === 0 ? 1 : 0
  const base = Math.abs(before.mean)
  const change = base > 0 ? difference / base : null
  const margin = zOf(judge.confidence) * error
  const real = pValue < 1 - judge.confidence && (change === null || Math.abs(change) >= judge.least)
  return {
    what: 'value',
    name: label,
    old: before.mean,
    new: after.mean,
    change,
    interval: base > 0 ? { low: (difference - margin) / base, high: (difference + margin) / base } : null,
    pValue,
    verdict: !real ? 'noise' : difference < 0 ? 'worse' : 'better',
    text: `${words}: ${before.mean.toFixed(2)} → ${after.mean.toFixed(2)}${change === null ? '' : ` (${signed(change)})`}`,
  }
}

const tooFew = (
  what: Finding['what'],
  name: string | null,
  words: string,
  before: { count: number },
  after: { count: number },
): Finding => ({
  what,
  name,
  old: null,
  new: null,
  change: null,
  interval: null,
  pValue: null,
  verdict: 'too few',
  text: `${words}: ${before.count} and ${after.count} successes say nothing yet; ${enough} on each side are needed`,
})
