import { read } from './workspace.js'

const keywords = new Set(
  'by on or and unless without group_left group_right ignoring offset bool inf nan'.split(' '),
)

/** Metrics of an expression: what is a name and neither a function, a keyword nor a label. */
export function metricsIn(expr: string): { names: string[]; patterns: string[] } {
  const patterns = [...expr.matchAll(/__name__=~"([^"]+)"/g)].map(([, pattern]) => pattern as string)
  const bare = expr
    .replace(/"[^"]*"/g, '')
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replace(/\b(?:by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)/g, ' ')
  const names = [...bare.matchAll(/(?<![\w.:])([a-zA-Z_][\w:]*)(?![\w:]|\s*\()/g)]
    .map(([, name]) => name as string)
    .filter((name) => !keywords.has(name.toLowerCase()) && !/^[smhdwy]$/.test(name))
  return { names: [...new Set(names)], patterns }
}

/** The names in Prometheus, by the rule of the page: dots to underscores, unit and `_total` at the end. */
export function documentedSeries(): Set<string> {
  const page = read('docs/reference/metrics.md')
  const names = new Set<string>()
  for (const [, name = '', rest = ''] of page.matchAll(/^\| `([a-z][a-z0-9._]+)` \| (.+)$/gm)) {
    const kind = rest.split(' | ')[0] ?? ''
    const unit = /\| `(s|By|1)` \|/.exec(`| ${rest}`)?.[1]
    const suffix =
      unit === 's'
        ? '_seconds'
        : unit === 'By'
          ? '_bytes'
          : unit === '1' && kind.startsWith('gauge')
            ? '_ratio'
            : ''
    const base = name.replaceAll('.', '_')
    const whole = base.endsWith(suffix) ? base : `${base}${suffix}`
    if (kind.startsWith('histogram'))
      for (const end of ['bucket', 'sum', 'count']) names.add(`${whole}_${end}`)
    else
      names.add(
        kind.startsWith('counter') && !whole.endsWith('_total') && !whole.startsWith('otelcol_')
          ? `${whole}_total`
          : whole,
      )
  }
  for (const [, list = ''] of page.matchAll(/^\| (`[a-z_]+`(?:, `[a-z_]+`)+) \|/gm))
    for (const [, name] of list.matchAll(/`([a-z_]+)`/g)) names.add(name as string)
  return names
}
