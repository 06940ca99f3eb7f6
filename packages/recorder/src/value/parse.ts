import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { RecorderError } from '../errors.js'
import { currencyPlaces } from './currency.js'
import {
  type Assumption,
  type Claim,
  figureNames,
  type Plan,
  type Ratio,
  type ValuedOperation,
  type ValueModel,
} from './model.js'
import {
  isName,
  nameRule,
  notNegative,
  readAssumptions,
  readInvestments,
  readReference,
  textOf,
} from './parse-assumptions.js'
import { readBusinessSource, readFilter, readOperationNames } from './parse-filter.js'
import { readObjectives } from './parse-objectives.js'
import { type Entry, openYaml, type Problem, type YamlReader } from './yaml-reader.js'

/** A model file that cannot be used: every problem with its line and column. */
export class ValueModelError extends RecorderError {
  readonly problems: readonly Problem[]

  constructor(file: string, problems: readonly Problem[]) {
    const lines = problems.map(
      ({ line, column, path, message }) =>
        `${file}:${line}:${column}: ${path === '' ? '' : `${path} `}${message}`,
    )
    super('TL_VALUE_MODEL', lines.join('\n'))
    this.problems = problems
  }
}

const sections = [
  'model',
  'about',
  'currency',
  'since',
  'assumptions',
  'investments',
  'eligible_users',
  'adoption',
  'operations',
  'ratios',
  'plan',
  'objectives',
  'names',
  'claims',
] as const

/** Throws `TL_VALUE_MODEL`, also when the file cannot be read. */
export const loadValueModel = async (file: string): Promise<ValueModel> => {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new ValueModelError(file, [{ line: 1, column: 1, path: '', message: `cannot be read: ${code}` }])
  }
  return parseValueModel(text, file)
}

/** Throws `ValueModelError` (`TL_VALUE_MODEL`) with all problems of the text. */
export const parseValueModel = (text: string, file = 'value.yaml'): ValueModel => {
  const yaml = openYaml(text)
  const model = yaml.problems.length > 0 ? undefined : readModel(yaml, text, file)
  if (model === undefined || yaml.problems.length > 0) {
    const byPlace = [...yaml.problems].sort((a, b) => a.line - b.line || a.column - b.column)
    throw new ValueModelError(file, byPlace)
  }
  return model
}

const readModel = (yaml: YamlReader, text: string, file: string): ValueModel | undefined => {
  const keys = yaml.map(yaml.root, sections)
  if (keys === undefined) return undefined
  for (const needed of ['model', 'currency', 'operations'])
    if (keys[needed] === undefined) yaml.fail(yaml.root, `needs \`${needed}\``)
  const currency = (keys.currency && yaml.text(keys.currency)) ?? ''
  const scale = currencyPlaces(currency)
  if (keys.currency && scale === undefined)
    yaml.fail(keys.currency, `is ${JSON.stringify(currency)}: a code of ISO 4217 such as USD is needed`)
  const assumptions = readAssumptions(yaml, keys.assumptions)
  const investments = readInvestments(yaml, keys.investments)
  const operations = readOperations(yaml, keys.operations, assumptions, currency)
  const since = keys.since === undefined ? investments[0]?.on : yaml.day(keys.since)
  const partial = {
    operations,
    investments,
    ratios: readRatios(yaml, keys.ratios),
    plan: readPlan(yaml, keys.plan, assumptions),
    eligibleUsers: readReference(yaml, keys.eligible_users, assumptions),
  }
  const figures = figureNames(partial)
  const names = readNames(yaml, keys.names, figures)
  return {
    ...partial,
    name: readName(yaml, keys.model),
    file: basename(file),
    text,
    sha256: hash('sha256', text),
    currency,
    scale: scale ?? 2,
    about: textOf(yaml, keys.about),
    since: since ?? null,
    assumptions: [...assumptions.values()],
    adoption: readAdoption(yaml, keys.adoption, operations),
    objectives: readObjectives(yaml, keys.objectives),
    names,
    claims: readClaims(yaml, keys.claims, [...figures, ...Object.keys(names)]),
  }
}

const readName = (yaml: YamlReader, entry: Entry | undefined): string => {
  const name = entry && yaml.text(entry)
  if (entry !== undefined && name !== undefined && !/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name))
    yaml.fail(entry, 'must have small letters, digits, dots, dashes and underscores, at most 63')
  return name ?? ''
}

const readOperations = (
  yaml: YamlReader,
  section: Entry | undefined,
  assumptions: ReadonlyMap<string, Assumption>,
  currency: string,
): ValuedOperation[] => {
  const entries = section === undefined ? {} : (yaml.map(section) ?? {})
  if (section !== undefined && Object.keys(entries).length === 0)
    yaml.fail(section, 'must have at least one operation')
  return Object.entries(entries).flatMap(([name, entry]): ValuedOperation[] => {
    if (!isName(name) || name === 'ratio') yaml.failKey(entry, nameRule)
    const keys = yaml.map(entry, [
      'about',
      'operation',
      'service',
      'minutes_saved',
      'hourly_rate',
      'business_value',
    ])
    if (keys === undefined) return []
    if (keys.operation === undefined) {
      yaml.fail(entry, 'needs `operation`')
      return []
    }
    if (keys.hourly_rate !== undefined && keys.minutes_saved === undefined)
      yaml.fail(keys.hourly_rate, 'is of no use without `minutes_saved`')
    if (keys.minutes_saved === undefined && keys.business_value === undefined)
      yaml.fail(entry, 'needs `minutes_saved` (with or without `hourly_rate`) or `business_value`')
    const service = keys.service && yaml.text(keys.service)
    return [
      {
        name,
        about: textOf(yaml, keys.about),
        filter: {
          operations: readOperationNames(yaml, keys.operation),
          ...(service === undefined ? {} : { service }),
        },
        minutesSaved: readReference(yaml, keys.minutes_saved, assumptions),
        hourlyRate: readReference(yaml, keys.hourly_rate, assumptions),
        business:
          keys.business_value === undefined
            ? null
            : (readBusinessSource(yaml, keys.business_value, currency) ?? null),
      },
    ]
  })
}

/** Without the section, the users of whatever the model values. */
const readAdoption = (
  yaml: YamlReader,
  section: Entry | undefined,
  operations: readonly ValuedOperation[],
): string[] => {
  const all = operations.flatMap(({ filter }) => filter.operations.map((one) => one.operationService))
  if (section === undefined) return [...new Set(all)]
  const named = yaml.list(section).flatMap((entry) => yaml.text(entry) ?? [])
  if (named.length === 0)
    yaml.fail(section, 'must name at least one service, as in operation: Service.operation')
  return [...new Set(named)]
}

const readRatios = (yaml: YamlReader, section: Entry | undefined): Ratio[] =>
  Object.entries(section === undefined ? {} : (yaml.map(section) ?? {})).flatMap(([name, entry]): Ratio[] => {
    if (!isName(name)) yaml.failKey(entry, nameRule)
    const keys = yaml.map(entry, ['about', 'numerator', 'denominator'])
    if (keys === undefined) return []
    if (keys.numerator === undefined || keys.denominator === undefined) {
      yaml.fail(entry, 'needs `numerator` and `denominator`')
      return []
    }
    const numerator = readFilter(yaml, keys.numerator)
    const denominator = readFilter(yaml, keys.denominator)
    if (numerator === undefined || denominator === undefined) return []
    return [{ name, about: textOf(yaml, keys.about), numerator, denominator }]
  })

const factorNames = ['hours_per_week', 'people', 'hourly_rate', 'weeks']

const readPlan = (
  yaml: YamlReader,
  section: Entry | undefined,
  assumptions: ReadonlyMap<string, Assumption>,
): Plan | null => {
  const keys = section && yaml.map(section, ['about', ...factorNames])
  if (section === undefined || keys === undefined) return null
  const factors = factorNames.flatMap((name) => {
    const entry = keys[name]
    if (entry === undefined) yaml.fail(section, `needs \`${name}\``)
    const values = readReference(yaml, entry, assumptions)?.values
    if (entry !== undefined && values !== undefined && values.length > 1)
      yaml.fail(entry, 'is an assumption with several values: a plan has one')
    return values?.map(({ value, line }) => ({ name, value, line })) ?? []
  })
  return { about: textOf(yaml, keys.about), factors }
}

const readNames = (
  yaml: YamlReader,
  section: Entry | undefined,
  figures: readonly string[],
): Record<string, string> => {
  const names: Record<string, string> = {}
  for (const [name, entry] of Object.entries(section === undefined ? {} : (yaml.map(section) ?? {}))) {
    const figure = yaml.text(entry)
    if (figure === undefined) continue
    if (!isName(name)) yaml.failKey(entry, nameRule)
    else if (figures.includes(name)) yaml.failKey(entry, 'is the name of a figure already')
    else if (figures.includes(figure)) names[name] = figure
    else
      yaml.fail(
        entry,
        `is ${JSON.stringify(figure)}: no figure of this model (there are: ${figures.join(', ')})`,
      )
  }
  return names
}

const readClaims = (yaml: YamlReader, section: Entry | undefined, known: readonly string[]): Claim[] =>
  (section === undefined ? [] : yaml.list(section)).flatMap((entry): Claim[] => {
    const keys = yaml.map(entry, ['source', 'per', 'on', 'figures'])
    if (keys === undefined) return []
    if (keys.source === undefined || keys.figures === undefined) {
      yaml.fail(entry, 'needs `source` and `figures`')
      return []
    }
    const per = keys.per && yaml.text(keys.per)
    if (keys.per && per !== undefined && per !== 'month' && per !== 'year')
      yaml.fail(keys.per, `is ${JSON.stringify(per)}: month or year is needed`)
    const figures = Object.entries(yaml.map(keys.figures) ?? {}).flatMap(([name, figure]) => {
      if (!known.includes(name)) yaml.failKey(figure, 'is no figure of this model')
      const value = notNegative(yaml, figure)
      return value === undefined ? [] : [{ name, value, line: figure.line }]
    })
    return [
      {
        source: yaml.text(keys.source) ?? '',
        perMonth: per === 'month',
        on: keys.on === undefined ? null : (yaml.day(keys.on) ?? null),
        figures,
      },
    ]
  })
