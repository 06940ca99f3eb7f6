import type { Assumption, DatedValue, Investment } from './model.js'
import type { Entry, YamlReader } from './yaml-reader.js'

/** The section `assumptions`: each with its values and the days they hold for. */
export const readAssumptions = (yaml: YamlReader, section: Entry | undefined): Map<string, Assumption> => {
  const found = new Map<string, Assumption>()
  if (section === undefined) return found
  for (const [name, entry] of Object.entries(yaml.map(section) ?? {})) {
    if (!isName(name)) yaml.failKey(entry, nameRule)
    const keys = yaml.map(entry, ['unit', 'about', 'source', 'values'])
    if (keys === undefined) continue
    if (keys.values === undefined) {
      yaml.fail(entry, 'needs `values`')
      continue
    }
    const entries = yaml.list(keys.values)
    const values = entries.flatMap((one) => readDated(yaml, one) ?? [])
    refuseOverlaps(yaml, values)
    if (entries.length === 0) yaml.fail(keys.values, 'must have at least one value')
    found.set(name, {
      name,
      unit: textOf(yaml, keys.unit),
      about: textOf(yaml, keys.about),
      source: textOf(yaml, keys.source),
      values: values.map(({ dated }) => dated),
    })
  }
  return found
}

const readDated = (yaml: YamlReader, entry: Entry): { dated: DatedValue; entry: Entry } | undefined => {
  const keys = yaml.map(entry, ['value', 'from', 'to', 'about'])
  if (keys === undefined) return undefined
  if (keys.about !== undefined) yaml.text(keys.about)
  if (keys.value === undefined) return yaml.fail(entry, 'needs `value`')
  const value = notNegative(yaml, keys.value)
  const from = keys.from === undefined ? null : yaml.day(keys.from)
  const to = keys.to === undefined ? null : yaml.day(keys.to)
  if (value === undefined || from === undefined || to === undefined) return undefined
  if (from !== null && to !== null && to < from)
    return yaml.fail(keys.to ?? entry, `is before from (${from})`)
  return { dated: { value, from, to, line: entry.line }, entry }
}

const refuseOverlaps = (yaml: YamlReader, values: { dated: DatedValue; entry: Entry }[]): void => {
  for (const [at, { dated: later, entry }] of values.entries())
    for (const { dated: earlier } of values.slice(0, at))
      if (
        (earlier.from ?? '') <= (later.to ?? '9999-12-31') &&
        (later.from ?? '') <= (earlier.to ?? '9999-12-31')
      )
        yaml.fail(
          entry,
          `holds for days that line ${earlier.line} has a value for, too: end that one with \`to\``,
        )
}

/** A number, or the name of an assumption. */
export const readReference = (
  yaml: YamlReader,
  entry: Entry | undefined,
  known: ReadonlyMap<string, Assumption>,
): Assumption | null => {
  if (entry === undefined) return null
  const text = yaml.text(entry)
  if (text === undefined) return null
  const named = known.get(text)
  if (named !== undefined) return named
  if (!/^[-\d]/.test(text)) {
    const names = [...known.keys()].join(', ') || 'none'
    yaml.fail(entry, `is ${JSON.stringify(text)}: neither a number nor an assumption (there are: ${names})`)
    return null
  }
  const value = notNegative(yaml, entry)
  if (value === undefined) return null
  const values = [{ value, from: null, to: null, line: entry.line }]
  return { name: entry.path, unit: null, about: null, source: null, values }
}

/** The section `investments`, in the order of their days. */
export const readInvestments = (yaml: YamlReader, section: Entry | undefined): Investment[] => {
  if (section === undefined) return []
  const found = yaml.list(section).flatMap((entry): Investment[] => {
    const keys = yaml.map(entry, ['on', 'amount', 'for'])
    if (keys === undefined) return []
    if (keys.on === undefined || keys.amount === undefined) {
      yaml.fail(entry, 'needs `on` and `amount`')
      return []
    }
    const on = yaml.day(keys.on)
    const amount = notNegative(yaml, keys.amount)
    if (on === undefined || amount === undefined) return []
    return [{ on, amount, for: textOf(yaml, keys.for), line: entry.line }]
  })
  return found.sort((a, b) => (a.on < b.on ? -1 : 1))
}

export const notNegative = (yaml: YamlReader, entry: Entry): string | undefined => {
  const value = yaml.decimal(entry)
  return value?.startsWith('-') ? yaml.fail(entry, `is ${value}: it must not be negative`) : value
}

export const textOf = (yaml: YamlReader, entry: Entry | undefined): string | null =>
  entry === undefined ? null : (yaml.text(entry) ?? null)

export const isName = (text: string): boolean => /^[a-z][a-z0-9_]{0,62}$/.test(text)

export const nameRule = 'a name has small letters, digits and underscores, and begins with a letter'
