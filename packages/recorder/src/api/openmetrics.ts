export type Family = {
  /** With dots; OpenMetrics has underscores instead. */
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  unit?: string
  help: string
  samples: readonly Sample[]
}

export type Sample = {
  /** `_total`, `_bucket`, `_count`, `_sum`; a gauge has none. */
  suffix?: string
  labels?: Record<string, string>
  value: number
}

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

const nameOf = (name: string): string => name.replace(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d)/, '_')

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const labelsOf = (labels: Record<string, string> = {}): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${nameOf(name)}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** OpenMetrics 1.0 as text. */
export const openMetricsText = (families: readonly Family[]): string => {
  const lines = families.flatMap(({ name, type, unit, help, samples }) => {
    const metric = nameOf(name)
    return [
      `# TYPE ${metric} ${type}`,
      ...(unit === undefined ? [] : [`# UNIT ${metric} ${unit}`]),
      `# HELP ${metric} ${escaped(help)}`,
      ...samples.map(({ suffix = '', labels, value }) => `${metric}${suffix}${labelsOf(labels)} ${value}`),
    ]
  })
  return `${[...lines, '# EOF'].join('\n')}\n`
}
