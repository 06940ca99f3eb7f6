/** A selector: `name{a="b",c="d"}`; empty conditions are left out. */
export const series = (name: string, ...conditions: string[]): string => {
  const kept = conditions.filter((one) => one !== '')
  return kept.length === 0 ? name : `${name}{${kept.join(',')}}`
}

export const rate = (selector: string): string => `rate(${selector}[$__rate_interval])`

export const sumBy = (labels: string, expr: string): string =>
  labels === '' ? `sum(${expr})` : `sum by (${labels}) (${expr})`

export const maxBy = (labels: string, expr: string): string =>
  labels === '' ? `max(${expr})` : `max by (${labels}) (${expr})`

/** 0 where there is no series at all: a failure that never happened has none. */
export const orZero = (expr: string): string => `${expr} or on () vector(0)`

/**
 * How often within a window. A counter that comes with its first count has no increase yet: as long as it is younger than the window, its value
 * is what it grew. Otherwise a failure that happens once would never be seen.
 */
export const within = (window: string, labels: string, selector: string): string =>
  orZero(
    sumBy(labels, `(${selector} unless ${selector} offset ${window}) or increase(${selector}[${window}])`),
  )

export const inFive = (labels: string, selector: string): string => within('5m', labels, selector)

/** 0 for each series of `all` that `some` has not. */
export const orZeroOf = (some: string, all: string): string => `(${some} or 0 * ${all})`

export const quantile = (share: number, labels: string, buckets: string): string =>
  `histogram_quantile(${share}, ${sumBy(labels === '' ? 'le' : `le, ${labels}`, rate(buckets))})`

/** Average of a histogram. */
export const average = (labels: string, histogram: string, ...conditions: string[]): string =>
  `${sumBy(labels, rate(series(`${histogram}_sum`, ...conditions)))} / ${sumBy(labels, rate(series(`${histogram}_count`, ...conditions)))}`

/** The variables that nearly every dashboard has. */
export const place = 'deployment_environment_name=~"$environment"'
export const service = 'service_name=~"$service"'
