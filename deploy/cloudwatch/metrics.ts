/*
 * What the dashboards show. Business metrics have names of your own: put them here and run generate.ts; those of the example stand here now.
 *
 * They reach CloudWatch in one of two ways, and each has its own query language:
 * - over OTLP (profiles hybrid and cloudwatch): PromQL, names and labels as they are, attributes of the resource as `@resource.…`
 * - as classic metrics (the awsemf exporter): a search in a namespace, labels as dimensions
 */
export const counters = [['business.vehicle.allocated', 'Vehicles allocated']] as const

/** Metrics of `business.money`; their currency is a label. */
export const money = [['business.allocation.value', 'Value of allocations']] as const

/** Gauges of the value model, each of the month that runs. */
export const figures = [
  ['business.value.savings', 'Savings of this month'],
  ['business.value.hours_saved', 'Hours saved this month'],
  ['business.value.successes', 'Successes of this month'],
  ['business.value.active_users', 'Active users this month'],
] as const
