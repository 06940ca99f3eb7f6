import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { RecorderError } from '@throughline/recorder'
import { loadValueModel } from '@throughline/recorder/value'
import { stringify } from 'yaml'
import { CliError } from '../errors.js'
import { sloDashboard } from '../slo/dashboard.js'
import { goalsOf } from '../slo/goals.js'
import { sloRules } from '../slo/rules.js'
import { plural } from '../terminal/plural.js'
import { green, say } from '../terminal/print.js'

export const SLO_HELP = `throughline slo generate [--model FILE] [--rules FILE] [--dashboard FILE]

From the objectives of a value model: rules for Prometheus that record how fast each error budget goes and alert when that is too fast over a long and
a short window at once, and a dashboard for Grafana with a row for each objective: docs/guides/slo.md. Needs no database.

  --model      default: value.yaml
  --rules      writes the rules there (default: to standard output)
  --dashboard  writes the dashboard there (default: none)`

/** `throughline slo`. Resolves with the exit code. */
export async function slo(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      model: { type: 'string', default: 'value.yaml' },
      rules: { type: 'string' },
      dashboard: { type: 'string' },
    },
  })
  if (positionals.join(' ') !== 'generate')
    throw new CliError('TL_USAGE', `generate is needed.\n\n${SLO_HELP}`)
  const model = await loadValueModel(values.model).catch((cause: unknown) => {
    if (cause instanceof RecorderError)
      throw new CliError('TL_USAGE', `${cause.code}\n${cause.message}`, { cause })
    throw cause
  })
  const goals = goalsOf(model.objectives)
  if (goals.length === 0)
    throw new CliError(
      'TL_USAGE',
      `${values.model} has no objectives: docs/guides/value.md says how to write one.`,
    )
  const rules = `# Written by throughline slo generate from ${model.file}: change the objectives there.\n${stringify(sloRules(goals), { lineWidth: 0, aliasDuplicateObjects: false })}`
  if (values.rules === undefined) process.stdout.write(rules)
  else {
    await writeFile(values.rules, rules)
    say(`${green('✔')} ${values.rules}: rules for ${plural(goals.length, 'goal')}`)
  }
  if (values.dashboard !== undefined) {
    await writeFile(values.dashboard, `${JSON.stringify(sloDashboard(model.name, goals), null, 2)}\n`)
    // Not between the rules, where they are on standard output.
    process.stderr.write(
      `${green('✔')} ${values.dashboard}: dashboard of ${plural(model.objectives.length, 'objective')}\n`,
    )
  }
  return 0
}
