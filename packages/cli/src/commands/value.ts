import { parseArgs } from 'node:util'
import { RecorderError } from '@throughline/recorder'
import {
  compareFrozen,
  conflictsOf,
  type Figure,
  figureNames,
  freeze,
  loadValueModel,
  planOf,
  type ValueModel,
  valueReport,
} from '@throughline/recorder/value'
import type { Pool } from 'pg'
import { CliError } from '../errors.js'
import { DATABASE_HELP, databaseOption, databaseUrlOf, withDatabase } from '../system/database.js'
import { columns } from '../terminal/columns.js'
import { plural } from '../terminal/plural.js'
import { bold, dim, green, red, say } from '../terminal/print.js'
import { printComparison, printFigure, printReport, shown } from '../terminal/value.js'

export const VALUE_HELP = `throughline value check [--model FILE] [--json]
throughline value explain [FIGURE] [--model FILE] [--period PERIOD] [--json]
throughline value report [--model FILE] [--period PERIOD] [--json]
throughline value freeze PERIOD [--model FILE] [--again] [--json]

What the operations are worth, by a model in YAML: docs/guides/value.md.

  check    reads the file: every mistake with its line and column. Needs no database
  explain  assumptions, and claims that do not follow from their own inputs; with a database each figure, or one, with its formula,
           inputs, rows and the SQL that gives the same number
  report   the figures of a period; of a frozen one what was frozen, and why the same report would differ today
  freeze   stores inputs and results of a period that is over, for good

  --model   default: value.yaml
  --period  2026-10, 2026-Q4, 2026, 2026-10-31 or 2026-10-01..2026-10-15, days of UTC (default: this month)
  --again   freeze a further revision; the earlier ones stay
${DATABASE_HELP}
  --json    one JSON document on standard output`

/** `throughline value`. Resolves with the exit code. */
export async function value(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...databaseOption,
      model: { type: 'string', default: 'value.yaml' },
      period: { type: 'string' },
      again: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const [action, subject, ...rest] = positionals
  const usage = (): CliError =>
    new CliError('TL_USAGE', `check, explain, report or freeze PERIOD is needed.\n\n${VALUE_HELP}`)
  if (rest.length > 0) throw usage()
  const run = (work: (pool: Pool) => Promise<number>): Promise<number> =>
    withDatabase(databaseUrlOf(values.database), (pool) => understandable(work(pool)))
  const asked = { period: values.period }

  const model = await understandable(loadValueModel(values.model))
  if (action === 'check' && subject === undefined) return check(model, values.model, values.json)
  if (action === 'explain') {
    if (values.database === undefined && !process.env.THROUGHLINE_DATABASE_URL && subject === undefined)
      return explain(model, undefined, values.json)
    return run(async (pool) => explain(model, await explained(pool, model, asked, subject), values.json))
  }
  if (action === 'report' && subject === undefined)
    return run((pool) => report(pool, model, asked, values.json))
  if (action === 'freeze' && subject !== undefined)
    return run((pool) => freezePeriod(pool, model, { period: subject, again: values.again }, values.json))
  throw usage()
}

/** What the recorder's part refuses is a mistake of the command line or of the file, not of Postgres. */
async function understandable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof RecorderError)
      throw new CliError('TL_USAGE', `${cause.code}\n${cause.message}`, { cause })
    throw cause
  }
}

function check(model: ValueModel, file: string, json: boolean): number {
  const figures = figureNames(model)
  if (json) say(JSON.stringify({ model: model.name, file, sha256: model.sha256, figures }))
  else
    say(
      `${green('✔')} ${file}: model ${model.name}, ${plural(model.operations.length, 'operation')}, ${plural(figures.length, 'figure')}, ${plural(model.objectives.length, 'objective')}, in ${model.currency}`,
    )
  return 0
}

async function explained(
  pool: Pool,
  model: ValueModel,
  asked: { period: string | undefined },
  name: string | undefined,
): Promise<Figure[]> {
  const { figures, names } = await valueReport(pool, model, asked)
  if (name === undefined) return figures
  const found = figures.filter((figure) => figure.name === (names[name] ?? name))
  if (found.length > 0) return found
  throw new CliError(
    'TL_USAGE',
    `There is no figure ${name}; there are: ${[...Object.keys(names), ...figures.map((one) => one.name)].join(', ')}.`,
  )
}

function explain(model: ValueModel, figures: Figure[] | undefined, json: boolean): number {
  const conflicts = conflictsOf(model)
  const plan = planOf(model)
  if (json) {
    const { assumptions, investments, names } = model
    say(JSON.stringify({ model: model.name, assumptions, investments, names, plan, conflicts, figures }))
    return 0
  }
  say(bold(`${model.name}${model.about === null ? '' : `: ${model.about}`}`))
  say()
  columns(
    ['ASSUMPTION', 'VALUE', 'HOLDS', 'SOURCE'],
    model.assumptions.flatMap(({ name, unit, source, values }) =>
      values.map(({ value, from, to, line }) => [
        name,
        `${value}${unit === null ? '' : ` ${unit}`}`,
        `${from ?? '…'} to ${to ?? '…'}`,
        `${model.file}:${line}${source === null ? '' : `, ${source}`}`,
      ]),
    ),
  )
  say()
  if (plan !== null)
    say(
      `Planned: ${shown(plan.savings, model.currency)} a year${plan.overCostPercent === null ? '' : `, ${plan.overCostPercent} % of the investment (savings ÷ cost), ${plan.netRoiPercent} % net (what is left after the cost, ÷ cost)`}\n`,
    )
  for (const { source, message } of conflicts) say(`${red('Conflict')} in ${source}: ${message}\n`)
  if (model.claims.length > 0 && conflicts.length === 0)
    say(`${green('✔')} the claims follow from their inputs\n`)
  if (figures === undefined) say(dim('With a database: each figure with its inputs, rows and SQL.'))
  for (const figure of figures ?? []) printFigure(figure, model.names)
  return 0
}

async function report(
  pool: Pool,
  model: ValueModel,
  asked: { period: string | undefined },
  json: boolean,
): Promise<number> {
  const compared = await compareFrozen(pool, model, asked)
  if (compared === null) {
    const live = await valueReport(pool, model, asked)
    if (json) say(JSON.stringify({ report: live, frozen: null, differences: [] }))
    else printReport(live)
    return 0
  }
  const { frozen, now, differences } = compared
  const { report: kept, modelText: _, ...about } = frozen
  if (json) say(JSON.stringify({ report: kept, frozen: about, now, differences }))
  else {
    printReport(kept)
    printComparison(frozen, differences)
  }
  return 0
}

async function freezePeriod(
  pool: Pool,
  model: ValueModel,
  asked: { period: string; again: boolean },
  json: boolean,
): Promise<number> {
  const { report: kept, modelText: _, ...about } = await freeze(pool, model, asked)
  if (json) say(JSON.stringify({ report: kept, frozen: about }))
  else {
    printReport(kept)
    say(`${green('✔')} frozen: ${about.period}, revision ${about.revision}`)
  }
  return 0
}
