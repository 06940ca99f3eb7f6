import type { BusinessSum } from '@throughline/postgres/audit'
import { type PrometheusSample, prometheusQuery } from '../stack/lookups.js'

export type PrometheusCounts = {
  /** Operations that ended, by instance: with those that have no row (`record: false`). */
  operations: Map<string, number>
  /** Records that their own services say they refused, by instance. */
  refused: Map<string, number>
}

/** What the window's series say, by `instance` (= `service.instance.id`). Cumulative: the highest value is the last. */
export async function prometheusCounts(url: string, at: { from: Date }): Promise<PrometheusCounts> {
  const highest = (selector: string): string => `sum by (instance) (max_over_time(${selector}[${span(at)}]))`
  const [operations, refused] = await Promise.all([
    prometheusQuery(url, highest('throughline_operation_duration_seconds_count')),
    prometheusQuery(url, highest('throughline_notices_total{reason="record_refused"}')),
  ])
  return { operations: byInstance(operations), refused: byInstance(refused) }
}

/** The value of a business metric over these instances; undefined when it has no such series. */
export async function prometheusBusiness(
  url: string,
  at: { from: Date },
  instances: ReadonlySet<string>,
  { name, labels }: Pick<BusinessSum, 'name' | 'labels'>,
): Promise<number | undefined> {
  const samples = await prometheusQuery(url, `last_over_time(${selectorOf(name)}[${span(at)}])`)
  const fitting = samples.filter(
    (sample) => instances.has(sample.labels.instance ?? '') && hasLabels(sample, labels),
  )
  return fitting.length === 0 ? undefined : fitting.reduce((total, { value }) => total + value, 0)
}

/** `business.order.value` is `business_order_value`, then perhaps its unit, then `_total` if it only grows. */
function selectorOf(name: string): string {
  return `{__name__=~"${name.replaceAll(/[^a-zA-Z0-9]/g, '_')}(_[a-zA-Z]+)?(_total)?",otel_scope_name="throughline.business"}`
}

function hasLabels({ labels: found }: PrometheusSample, labels: Record<string, string>): boolean {
  return Object.entries(labels).every(
    ([key, value]) => found[key.replaceAll(/[^a-zA-Z0-9_]/g, '_')] === value,
  )
}

/** From the window's start to now: what was measured last may have been exported after its end. */
function span({ from }: { from: Date }): string {
  return `${Math.max(60, Math.ceil((Date.now() - Number(from)) / 1_000) + 300)}s`
}

function byInstance(samples: readonly PrometheusSample[]): Map<string, number> {
  return new Map(samples.map(({ labels, value }) => [labels.instance ?? '', value]))
}
