import { lookups, type Stack } from '@throughline/cli'
import pg from 'pg'
import {
  type Dashboard,
  interpolate,
  step,
  type Target,
  type Values,
  type Window,
} from '../../support/dashboards.js'

/** One series or row as a person sees it on the panel. */
export interface Seen {
  name: string
  value: string
  /** Of a row: its cells by column. */
  cells?: Record<string, string>
}

interface Series {
  metric: Record<string, string>
  values?: [number, string][]
  value?: [number, string]
}

export const lastHour = (): Window => {
  const until = new Date()
  return { from: new Date(until.getTime() - 3_600_000), until }
}

/** Asks as Grafana asks. Empty: no series with a finite value, or no row. Throws what the store refuses. */
export async function answerOf(stack: Stack, target: Target, values: Values): Promise<Seen[]> {
  const window = lastHour()
  const query = interpolate(target.query, values, window)
  return target.kind === 'prometheus'
    ? seriesOf(stack, target, query, window)
    : rowsOf(stack.databaseUrl, query)
}

async function seriesOf(stack: Stack, target: Target, query: string, window: Window): Promise<Seen[]> {
  const [from, until] = [window.from, window.until].map((time) => String(time.getTime() / 1_000))
  const body = new URLSearchParams(
    target.instant ? { query, time: until! } : { query, start: from!, end: until!, step: String(step) },
  )
  const path = target.instant ? 'query' : 'query_range'
  const { result } = await prometheus<{ result: Series[] }>(stack, path, body)
  return result.flatMap(({ metric, value, values }): Seen[] => {
    const last = (values ?? [value!]).findLast(([, text]) => Number.isFinite(Number(text)))
    return last === undefined ? [] : [{ name: nameOf(target, metric), value: shortened(Number(last[1])) }]
  })
}

/** POST, as our data source has it. */
async function prometheus<T>(stack: Stack, path: string, body: URLSearchParams): Promise<T> {
  const answer = await fetch(`${stack.urls.prometheus}/api/v1/${path}`, { method: 'POST', body })
  const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: T }
  if (status !== 'success') throw new Error(`${error}: ${body.get('query')}`)
  return data
}

function nameOf({ legend, panel }: Target, metric: Record<string, string>): string {
  const { __name__: name = '', ...labels } = metric
  const shown = Object.entries(labels).map(([label, text]) => `${label}="${text}"`)
  const all = shown.length === 0 ? name : `${name}{${shown.join(', ')}}`
  // In a table the name is that of the column, and the labels are columns of their own.
  if (panel.type === 'table') return `${all} ${legend}`
  if (legend === '' || legend === '__auto') return all
  return legend.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? '').trim()
}

const shortened = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)))

async function rowsOf(databaseUrl: string, sql: string): Promise<Seen[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    // The role of Grafana's login: what it may not read, no panel may ask.
    await client.query('SET ROLE throughline_reader')
    const { rows } = await client.query<Record<string, unknown>>(sql)
    return rows.map((row): Seen => {
      const cells = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value)]))
      const shown = Object.entries(cells).flatMap(([name, text]) => (text === '' ? [] : [`${name}=${text}`]))
      return { name: '', value: shown.join(', '), cells }
    })
  } finally {
    await client.end()
  }
}

const textOf = (value: unknown): string =>
  value === null ? '' : value instanceof Date ? value.toISOString() : String(value)

/** The values that each `label_values` variable offers, asked as Grafana asks. */
export async function valuesOf(
  stack: Stack,
  dashboard: Dashboard,
  all: Values,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const { name, type, query } of dashboard.templating.list) {
    if (type !== 'query' || typeof query === 'string') continue
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query.query) ?? []
    const window = lastHour()
    const asked = new URLSearchParams({
      'match[]': interpolate(selector, all, window),
      start: String(window.from.getTime() / 1_000),
      end: String(window.until.getTime() / 1_000),
    })
    const answer = await fetch(`${stack.urls.prometheus}/api/v1/label/${label}/values?${asked}`)
    const { status, data, error } = (await answer.json()) as {
      status: string
      data: string[]
      error?: string
    }
    if (status !== 'success') throw new Error(`${query.query}: ${error}`)
    found[name] = data
  }
  return found
}

/** The points of a chart: Grafana asks for the exemplars of the same expression. */
export async function exemplarsOf(stack: Stack, target: Target, values: Values) {
  const window = lastHour()
  const query = interpolate(target.query, values, window)
  return lookups.prometheusExemplars(stack.urls.prometheus, query, window.from, window.until)
}
