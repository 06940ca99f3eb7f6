import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the JSON that Grafana loads. */
const folder = fileURLToPath(new URL('../../deploy/grafana/dashboards', import.meta.url))

export interface Link {
  title: string
  url: string
}

/** As much of Grafana's model as a test looks at. */
export interface Panel {
  id: number
  type: string
  title: string
  description?: string
  datasource?: Source
  gridPos: { x: number; y: number; w: number; h: number }
  fieldConfig?: {
    defaults: { unit?: string }
    overrides?: { matcher: { options: string }; properties: { id: string; value: unknown }[] }[]
  }
  targets?: {
    refId: string
    datasource: Source
    expr?: string
    rawSql?: string
    legendFormat?: string
    instant?: boolean
    exemplar?: boolean
  }[]
}

export interface Source {
  type: string
  uid: string
}

export interface Variable {
  name: string
  type: string
  multi: boolean
  allValue?: string
  current?: { value: string | string[] }
  query: string | { query: string }
  datasource?: Source
}

export interface Dashboard {
  uid: string
  title: string
  description: string
  panels: Panel[]
  links: Link[]
  templating: { list: Variable[] }
  annotations: { list: { name: string; datasource: Source; expr?: string; target: { expr: string } }[] }
}

/** One query of a panel. */
export interface Target {
  /** `operations / By service / Calls by service A` */
  where: string
  dashboard: string
  row: string
  panel: Panel
  legend: string
  kind: 'prometheus' | 'postgres'
  instant: boolean
  exemplar: boolean
  query: string
}

/** The dashboards by the names of their files. */
export const dashboards: Record<string, Dashboard> = Object.fromEntries(
  ['operations', 'business', 'jobs', 'pipeline'].map((name) => [
    name,
    JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Dashboard,
  ]),
)

export const files = (): string[] => readdirSync(folder).sort()

/** Every query of a dashboard, in the order of the page. */
export const targetsOf = (name: string): Target[] => targetsIn(name, dashboards[name]!)

export function targetsIn(name: string, { panels }: Dashboard): Target[] {
  let row = ''
  return panels.flatMap((panel): Target[] => {
    if (panel.type === 'row') {
      row = panel.title
      return []
    }
    return (panel.targets ?? []).map((target) => ({
      where: `${name} / ${row} / ${panel.title} ${target.refId}`,
      dashboard: name,
      row,
      panel,
      legend: target.legendFormat ?? '',
      kind: target.rawSql === undefined ? 'prometheus' : 'postgres',
      instant: target.instant ?? false,
      exemplar: target.exemplar ?? false,
      query: target.rawSql ?? target.expr ?? '',
    }))
  })
}

/** What only a Docker engine can answer. */
export const ofContainers = ({ row }: Target): boolean => row === 'Containers' || row === 'The engine'

/** What the variables of a dashboard stand for: the text of one, or the values of several. */
export type Values = Record<string, string | readonly string[]>

/** An hour that ends now, and the pauses that Grafana works out for it where samples come every 60 s (`timeInterval`). */
export interface Window {
  from: Date
  until: Date
}
const STEP_SECONDS = 60
const RATE_SECONDS = 4 * STEP_SECONDS

/**
 * The query as Grafana sends it: several values of a variable become an expression, `All` is its `allValue`, and `$__` stands for
 * the window. Throws for a variable that there is not.
 */
export function interpolate(query: string, values: Values, { from, until }: Window): string {
  const seconds = Math.round((until.getTime() - from.getTime()) / 1_000)
  const own: Record<string, string> = {
    __rate_interval: `${RATE_SECONDS}s`,
    __range: `${seconds}s`,
    __interval: `${STEP_SECONDS}s`,
  }
  return query
    .replace(
      /\$__timeFilter\(([^)]+)\)/g,
      (_, column) => `${column} BETWEEN '${from.toISOString()}' AND '${until.toISOString()}'`,
    )
    .replace(
      /\$__timeGroupAlias\(([^,]+), *[^)]+\)/g,
      (_, column) => `floor(extract(epoch from ${column})/${STEP_SECONDS})*${STEP_SECONDS} AS "time"`,
    )
    .replace(/\$(?:\{(\w+)(?::\w+)?\}|([a-z_]\w*))/gi, (whole, braced, bare) => {
      const name = (braced ?? bare) as string
      const value = own[name] ?? values[name]
      if (value === undefined) throw new Error(`there is no variable ${whole}`)
      return typeof value === 'string' ? value : alternatives(value)
    })
}

const alternatives = (values: readonly string[]): string => {
  const escaped = values.map((value) =>
    value.replace(/[\\^$*+?.()|[\]{}]/g, String.raw`\$&`).replaceAll('\\', '\\\\'),
  )
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`
}

/** Every variable at `All`, or at what it is at first. */
export const allOf = (dashboard: Dashboard): Values =>
  Object.fromEntries(
    dashboard.templating.list.map(({ name, allValue, current }) => {
      const value = allValue ?? current?.value ?? ''
      return [name, typeof value === 'string' ? value : value.join()]
    }),
  )

export const step = STEP_SECONDS
