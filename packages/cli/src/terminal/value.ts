import type { Difference, Figure, Frozen, Reason, ValueReport } from '@throughline/recorder/value'
import { columns } from './columns.js'
import { plural } from './plural.js'
import { bold, dim, green, red, say } from './print.js'

/** `9490.00` USD as `9,490.00 USD`. */
export const shown = (value: string | null, unit: string): string => {
  if (value === null) return '–'
  if (unit === 'date') return value
  const grouped = value.replace(/^(-?)(\d+)/, (_, sign: string, digits: string) => {
    return sign + digits.replace(/\B(?=(\d{3})+$)/g, ',')
  })
  return unit === '1' ? grouped : `${grouped} ${unit}`
}

const furtherNames = (figure: string, names: Record<string, string>): string[] =>
  Object.keys(names).filter((name) => names[name] === figure)

/** One line a figure. */
export function printReport({ model, period, figures, names, warnings }: ValueReport): void {
  const last = new Date(Date.parse(period.until) - 1).toISOString().slice(0, 10)
  say(bold(`${model}, ${period.name} (${period.from.slice(0, 10)} to ${last}, UTC)`))
  columns(
    ['FIGURE', 'VALUE', 'ROWS', 'ALSO CALLED'],
    figures.map(({ name, value, unit, rows }) => [
      name,
      shown(value, unit),
      rows === 0 ? '' : String(rows),
      furtherNames(name, names).join(', '),
    ]),
  )
  for (const warning of warnings) say(`${red('!')} ${warning}`)
  say()
}

/** All that a figure is made of. */
export function printFigure(figure: Figure, names: Record<string, string>): void {
  const further = furtherNames(figure.name, names)
  say(
    `${bold(figure.name)} = ${green(shown(figure.value, figure.unit))}${further.length === 0 ? '' : dim(`  also ${further.join(', ')}`)}`,
  )
  say(`  ${figure.formula}${figure.note === null ? '' : `; ${figure.note}`}`)
  for (const { name, value, unit, source, detail } of figure.inputs)
    say(`    ${name} ${shown(value, unit ?? '1')}  ${dim(`${source}: ${detail}`)}`)
  say(`  from ${plural(figure.rows, 'row')}; the same number by SQL:`)
  say(dim(figure.sql.replace(/^/gm, '    ')))
  say()
}

/** What was frozen, and why it would not be the same today. */
export function printComparison(frozen: Frozen, differences: readonly Difference[]): void {
  const when = new Date(frozen.frozenAt).toISOString().slice(0, 19)
  say(`Frozen ${when} by ${frozen.frozenBy}, revision ${frozen.revision}.`)
  if (differences.length === 0) {
    say(`${green('✔')} made again today, it is the same`)
    return
  }
  say(`${red('Made again today, it differs:')}`)
  for (const { figure, frozen: was, now, reasons } of differences)
    say(`  ${figure} ${was ?? '–'} → ${now ?? '–'}: ${reasons.map(reasonText).join('; ')}`)
}

function reasonText(reason: Reason): string {
  const change = `${reason.from ?? '–'} → ${reason.to ?? '–'}`
  switch (reason.kind) {
    case 'late_rows':
      return `${plural(reason.rows, 'row')} came late (${change})`
    case 'missing_rows':
      return `${plural(reason.rows, 'row is', 'rows are')} missing (${change})`
    case 'assumption':
      return `an assumption was corrected (${change}): ${reason.changes.join(', ')}`
    case 'formula':
      return `the model computes it in another way, or not at all (${change})`
  }
}
