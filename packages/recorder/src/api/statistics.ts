/*
 * What a comparison of two versions rests on. Approximations by the normal distribution, which need some tens of
 * operations on each side, and an exact test for rare failures.
 */

/** Complementary error function, relative error below 1.2e-7 (W. J. Cody's rational form as in Numerical Recipes' erfcc). */
const erfc = (x: number): number => {
  const z = Math.abs(x)
  const t = 1 / (1 + z / 2)
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ]
  const polynomial = terms.reduceRight((sum, term) => sum * t + term, 0)
  const tail = t * Math.exp(-z * z + polynomial)
  return x >= 0 ? tail : 2 - tail
}

/** The chance of a difference of `z` standard errors or more, to either side. */
export const twoSided = (z: number): number =>
  Number.isNaN(z) ? 1 : Math.min(1, erfc(Math.abs(z) / Math.SQRT2))

/** How many standard errors hold this share of all differences. */
export const zOf = (confidence: number): number => {
  let [low, high] = [0, 10]
  for (let n = 0; n < 60; n += 1) {
    const middle = (low + high) / 2
    if (1 - twoSided(middle) < confidence) low = middle
    else high = middle
  }
  return (low + high) / 2
}

const logFactorials = [0]
const logFactorial = (n: number): number => {
  // Stirling's series: exact to 1e-10 from 100 on.
  if (n > 5_000) return (n + 0.5) * Math.log(n) - n + 0.9189385332046727 + 1 / (12 * n) - 1 / (360 * n ** 3)
  for (let at = logFactorials.length; at <= n; at += 1)
    logFactorials.push(logFactorials[at - 1]! + Math.log(at))
  return logFactorials[n]!
}

const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k)

/** Fisher's exact test: the chance of a table as uneven as this one, or more, if both shares are the same. */
export const fisher = (failures1: number, count1: number, failures2: number, count2: number): number => {
  const failures = failures1 + failures2
  const first = Math.max(0, failures - count2)
  const last = Math.min(failures, count1)
  const all = logChoose(count1 + count2, failures)
  const chance = (k: number): number => logChoose(count1, k) + logChoose(count2, failures - k) - all
  const seen = chance(failures1) + 1e-9
  let sum = 0
  for (let k = first; k <= last; k += 1) {
    const one = chance(k)
    if (one <= seen) sum += Math.exp(one)
  }
  return Math.min(1, sum)
}

/**
 * The variance of a mean whose values come in clusters (here: minutes), from sums over the clusters: of the squares of
 * their sums, of those sums times their sizes, of the squares of their sizes. 0 with fewer than two clusters.
 */
export const clusteredVariance = (
  mean: number,
  count: number,
  clusters: number,
  [sumSquared, sumTimesSize, sizeSquared]: readonly [number, number, number],
): number => {
  if (clusters < 2 || count === 0) return 0
  const spread = sumSquared - 2 * mean * sumTimesSize + mean * mean * sizeSquared
  return ((Math.max(0, spread) / count ** 2) * clusters) / (clusters - 1)
}
