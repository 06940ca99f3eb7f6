/** One sample line, taken apart. */
export interface Sample {
  readonly name: string
  readonly labels: Record<string, string>
  readonly value: number
  readonly exemplar: { labels: Record<string, string>; value: number; seconds: number } | undefined
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly samples: Sample[]
}

const LABELS = '\\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*",?)*)\\}'
const NUMBER = '([+-]?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|Inf)|NaN)'
const SAMPLE = new RegExp(
  `^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:${LABELS})? ${NUMBER}(?: # ${LABELS} ${NUMBER} (\\d+(?:\\.\\d+)?))?$`,
)
const SUFFIXES: Record<string, string[]> = {
  counter: ['_total', '_created'],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  gauge: [''],
}

/** Reads OpenMetrics text by the letter of its specification; throws at the first line that it does not allow. */
export function readOpenMetrics(text: string): Family[] {
  if (!text.endsWith('\n# EOF\n')) throw new Error('the text does not end with # EOF')
  const families: Family[] = []
  const series = new Set<string>()
  for (const line of text.slice(0, -'# EOF\n'.length).trimEnd().split('\n')) {
    const meta = /^# (TYPE|HELP|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line)
    if (meta !== null) {
      const [, kind, name = '', rest = ''] = meta
      if (kind === 'TYPE') {
        if (families.some((one) => one.name === name)) throw new Error(`family ${name} comes twice`)
        if (SUFFIXES[rest] === undefined) throw new Error(`unknown type ${rest}`)
        families.push({ name, type: rest, samples: [] })
      } else if (families.at(-1)?.name !== name)
        throw new Error(`${kind} stands apart from its family: ${line}`)
      continue
    }
    const match = SAMPLE.exec(line)
    const family = families.at(-1)
    if (match === null || family === undefined) throw new Error(`not a sample: '${line}'`)
    const [, name = '', labels, value = '', exemplarLabels, exemplarValue, seconds] = match
    if (!SUFFIXES[family.type]?.some((suffix) => name === family.name + suffix))
      throw new Error(`${name} does not belong to the ${family.type} ${family.name}`)
    if (series.has(`${name}{${labels}}`)) throw new Error(`series comes twice: ${line}`)
    series.add(`${name}{${labels}}`)
    if (exemplarLabels !== undefined && !/_(total|bucket)$/.test(name))
      throw new Error(`no exemplar here: ${line}`)
    family.samples.push({
      name,
      labels: readLabels(labels),
      value: Number(value.replace('Inf', 'Infinity')),
      exemplar:
        exemplarLabels === undefined
          ? undefined
          : { labels: readLabels(exemplarLabels), value: Number(exemplarValue), seconds: Number(seconds) },
    })
  }
  families.filter((one) => one.type === 'histogram').forEach(checkHistogram)
  return families
}

function readLabels(text = ''): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g)) {
    if (name in result) throw new Error(`label ${name} comes twice`)
    result[name] = value.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
  }
  return result
}

function checkHistogram({ name, samples }: Family): void {
  const groups = new Map<string, Sample[]>()
  for (const one of samples) {
    const { le, ...rest } = one.labels
    const key = JSON.stringify(rest)
    groups.set(key, [...(groups.get(key) ?? []), one])
    if (le !== undefined && le !== '+Inf' && !le.includes('.'))
      throw new Error(`${name}: le="${le}" is not canonical`)
  }
  for (const group of groups.values()) {
    const buckets = group.filter((one) => one.name === `${name}_bucket`)
    buckets.forEach((one, i) => {
      if (i > 0 && one.value < buckets[i - 1]!.value) throw new Error(`${name}: buckets are not cumulative`)
    })
    const count = group.find((one) => one.name === `${name}_count`)?.value
    if (buckets.at(-1)?.labels.le !== '+Inf' || buckets.at(-1)?.value !== count)
      throw new Error(`${name}: the last bucket is +Inf and equals the count`)
  }
}
