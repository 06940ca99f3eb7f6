import type { Objective } from './model.js'
import { isName, nameRule, textOf } from './parse-assumptions.js'
import { readOperationNames } from './parse-filter.js'
import type { Entry, YamlReader } from './yaml-reader.js'

const usualDays = 28
const maxDays = 366
const maxLeftOut = 20

/** The section `objectives`: what is promised of single operations. */
export const readObjectives = (yaml: YamlReader, section: Entry | undefined): Objective[] =>
  Object.entries(section === undefined ? {} : (yaml.map(section) ?? {})).flatMap(
    ([name, entry]): Objective[] => {
      if (!isName(name)) yaml.failKey(entry, nameRule)
      const keys = yaml.map(entry, [
        'about',
        'operation',
        'service',
        'success_percent',
        'leave_out',
        'latency',
        'window_days',
      ])
      if (keys === undefined) return []
      if (keys.operation === undefined) {
        yaml.fail(entry, 'needs `operation`')
        return []
      }
      if (keys.success_percent === undefined && keys.latency === undefined)
        yaml.fail(entry, 'needs `success_percent` or `latency`')
      if (keys.leave_out !== undefined && keys.success_percent === undefined)
        yaml.fail(keys.leave_out, 'is of no use without `success_percent`')
      const [operation, ...more] = readOperationNames(yaml, keys.operation)
      if (more.length > 0 || (operation !== undefined && operation.operation === undefined))
        yaml.fail(keys.operation, 'must be one operation: an objective is for one')
      if (operation?.operation === undefined) return []
      return [
        {
          name,
          about: textOf(yaml, keys.about),
          operationService: operation.operationService,
          operation: operation.operation,
          service: textOf(yaml, keys.service),
          success:
            keys.success_percent === undefined ? null : (readShare(yaml, keys.success_percent) ?? null),
          leaveOut: readLeftOut(yaml, keys.leave_out),
          latency: keys.latency === undefined ? null : (readLatency(yaml, keys.latency) ?? null),
          windowDays:
            keys.window_days === undefined ? usualDays : (readDays(yaml, keys.window_days) ?? usualDays),
        },
      ]
    },
  )

/** A percentage as a share. 100 % would leave no error at all, which nobody keeps. */
const readShare = (yaml: YamlReader, entry: Entry): number | undefined => {
  const text = yaml.decimal(entry)
  if (text === undefined) return undefined
  const percent = Number(text)
  if (!(percent > 0 && percent < 100)) return yaml.fail(entry, `is ${text}: above 0 and below 100 is needed`)
  // 99.9 / 100 is 0.9990000000000001.
  return Number((percent / 100).toFixed(12))
}

const readLatency = (yaml: YamlReader, entry: Entry): Objective['latency'] | undefined => {
  const keys = yaml.map(entry, ['percent', 'within_ms'])
  if (keys === undefined) return undefined
  if (keys.percent === undefined || keys.within_ms === undefined)
    return yaml.fail(entry, 'needs `percent` and `within_ms`')
  const share = readShare(yaml, keys.percent)
  const text = yaml.decimal(keys.within_ms)
  if (share === undefined || text === undefined) return undefined
  const withinMs = Number(text)
  return withinMs > 0 ? { share, withinMs } : yaml.fail(keys.within_ms, `is ${text}: above 0 is needed`)
}

const readDays = (yaml: YamlReader, entry: Entry): number | undefined => {
  const text = yaml.decimal(entry)
  if (text === undefined) return undefined
  const days = Number(text)
  return Number.isInteger(days) && days >= 1 && days <= maxDays
    ? days
    : yaml.fail(entry, `is ${text}: a whole number from 1 to ${maxDays} is needed`)
}

const readLeftOut = (yaml: YamlReader, entry: Entry | undefined): string[] => {
  if (entry === undefined) return []
  const types = yaml.list(entry).flatMap((one) => yaml.text(one) ?? [])
  if (types.length > maxLeftOut)
    yaml.fail(entry, `has ${types.length} types of errors: ${maxLeftOut} are possible`)
  return types
}
