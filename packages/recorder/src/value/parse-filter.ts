import type { BusinessSource, MetadataTest, RowFilter } from '@throughline/postgres/value'
import type { Entry, YamlReader } from './yaml-reader.js'

const tests = ['is', 'not', 'in', 'exists', 'above', 'at_least', 'below', 'at_most'] as const

/** `AllocationService.autoAllocate`, or `AllocationService.*`: the last dot splits, as in `track`. One or a list. */
export const readOperationNames = (yaml: YamlReader, entry: Entry): RowFilter['operations'] => {
  const entries = Array.isArray((entry.node as { items?: unknown } | null)?.items)
    ? yaml.list(entry)
    : [entry]
  if (entries.length === 0) yaml.fail(entry, 'must name at least one operation')
  return entries.flatMap((one) => {
    const text = yaml.text(one)
    if (text === undefined) return []
    const dot = text.lastIndexOf('.')
    const [operationService, operation] = [text.slice(0, dot), text.slice(dot + 1)]
    if (dot < 1 || operation === '') {
      yaml.fail(one, `is ${JSON.stringify(text)}: Service.operation or Service.* is needed`)
      return []
    }
    return [operation === '*' ? { operationService } : { operationService, operation }]
  })
}

/** A filter over operations and their metadata; undefined when it is not whole. */
export const readFilter = (yaml: YamlReader, entry: Entry): RowFilter | undefined => {
  const keys = yaml.map(entry, ['operation', 'service', 'outcome', 'metadata'])
  if (keys === undefined) return undefined
  if (keys.operation === undefined) return yaml.fail(entry, 'needs `operation`')
  const operations = readOperationNames(yaml, keys.operation)
  const service = keys.service && yaml.text(keys.service)
  const outcome = keys.outcome && yaml.text(keys.outcome)
  if (keys.outcome && outcome !== undefined && outcome !== 'success' && outcome !== 'failure')
    yaml.fail(keys.outcome, `is ${JSON.stringify(outcome)}: success or failure is needed`)
  const metadata = keys.metadata === undefined ? [] : readMetadata(yaml, keys.metadata)
  return {
    operations,
    ...(service === undefined ? {} : { service }),
    ...(outcome === undefined ? {} : { success: outcome === 'success' }),
    ...(metadata.length === 0 ? {} : { metadata }),
  }
}

const readMetadata = (yaml: YamlReader, section: Entry): MetadataTest[] =>
  Object.entries(yaml.map(section) ?? {}).flatMap(([key, entry]): MetadataTest[] => {
    if (entry.node !== null && 'items' in entry.node)
      return Object.entries(yaml.map(entry, tests) ?? {}).flatMap(([test, operand]) => {
        const value = readOperand(yaml, test as MetadataTest['test'], operand)
        return value === undefined ? [] : [{ key, test: test as MetadataTest['test'], value }]
      })
    const value = yaml.json(entry)
    return value === undefined ? [] : [{ key, test: 'is', value }]
  })

const readOperand = (yaml: YamlReader, test: MetadataTest['test'], entry: Entry): string | undefined => {
  if (test === 'is' || test === 'not') return yaml.json(entry)
  if (test === 'in') return `[${yaml.list(entry).flatMap((one) => yaml.json(one) ?? [])}]`
  if (test !== 'exists') return yaml.decimal(entry)
  const json = yaml.json(entry)
  return json === undefined || json === 'true' || json === 'false'
    ? json
    : yaml.fail(entry, 'must be true or false')
}

/** `{name, labels}` of a business value; only what is in the currency of the model is summed. */
export const readBusinessSource = (
  yaml: YamlReader,
  entry: Entry,
  currency: string,
): BusinessSource | undefined => {
  const keys = yaml.map(entry, ['name', 'labels'])
  if (keys === undefined) return undefined
  if (keys.name === undefined) return yaml.fail(entry, 'needs `name`')
  const name = yaml.text(keys.name)
  // No prototype: a label may have any name.
  const labels: Record<string, string> = Object.create(null)
  for (const [key, value] of Object.entries(keys.labels === undefined ? {} : (yaml.map(keys.labels) ?? {})))
    labels[key] = yaml.text(value) ?? ''
  if (labels.currency !== undefined && labels.currency !== currency)
    return yaml.fail(entry, `is in ${labels.currency}, and the model in ${currency}`)
  if (name === undefined) return undefined
  labels.currency = currency
  return { name: name.startsWith('business.') ? name : `business.${name}`, labels }
}
