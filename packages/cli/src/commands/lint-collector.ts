import { parseArgs } from 'node:util'
import { lintCollector } from '../collector-lint/lint.js'
import type { Finding } from '../collector-lint/rule.js'
import { CliError } from '../errors.js'
import { plural } from '../terminal/plural.js'
import { bold, dim, red, say } from '../terminal/print.js'

export const LINT_COLLECTOR_HELP = `throughline lint-collector FILE [FILE …] [--json]

Finds what loses data or money in a configuration of the OpenTelemetry Collector. Several files are merged in their order as the Collector merges
those of --config: maps key by key, lists are replaced. Nothing is started and nothing is asked over the network; \`otelcol validate\` says
whether the Collector would start.

  --config  the same as FILE, so that the arguments of the Collector can be taken as they are
  --json    an array of findings

Exit code 1 if there is an error; warnings alone are 0. What each rule is about: docs/guides/lint-collector.md`

/** `throughline lint-collector`. Resolves with the exit code. */
export async function lintCollectorFiles(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  })
  const files = [...values.config, ...positionals]
  if (files.length === 0) throw new CliError('TL_USAGE', `A file is needed.\n\n${LINT_COLLECTOR_HELP}`)
  const findings = lintCollector(files)
  if (values.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`)
  else print(findings, files)
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0
}

function print(findings: readonly Finding[], files: readonly string[]): void {
  for (const { file, line, severity, rule, what, reason, mend } of findings) {
    say(`${bold(`${file}:${line}`)} ${severity === 'error' ? red(severity) : severity} ${rule}: ${what}`)
    say(dim(`  why   ${reason}`))
    say(`  mend  ${mend}`)
  }
  const errors = findings.filter(({ severity }) => severity === 'error').length
  say(
    findings.length === 0
      ? `Nothing in ${files.join(', ')} loses data or money.`
      : `${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}`,
  )
}
