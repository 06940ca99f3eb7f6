import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DynamicConfigValue,
  type Panel,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as HeatmapPanel, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimePanel } from '@grafana/grafana-foundation-sdk/timeseries'
import { variable } from './variable.ts'

/** Data sources are variables of the dashboard, so that it works beside other ones; what they are at first is provisioned. */
export const sources = {
  prometheus: { type: 'prometheus', uid: variable('prometheus') },
  jaeger: { type: 'jaeger', uid: variable('jaeger') },
  postgres: { type: 'grafana-postgresql-datasource', uid: variable('postgres') },
} as const

/** One expression of a panel, and how its series are called. */
export type Query = readonly [legend: string, expr: string]

interface About {
  title: string
  /** What it says, and what to do with it. */
  about: string
  /** A unit of Grafana: `s`, `ops`, `percentunit`. */
  unit: string
  /** Of 24 columns. */
  width?: number
}

interface Shown extends About {
  queries: readonly Query[]
}

/** Values from which on a figure is yellow, and red. Falling: below which. */
export interface Limits {
  warn?: number
  bad?: number
  falling?: boolean
}

const heights = { figure: 4, chart: 8, table: 10 }

const colours = ({ warn, bad, falling = false }: Limits) => {
  const [first, last] = falling ? ['red', 'green'] : ['green', 'red']
  const middle = falling ? bad : warn
  const end = falling ? (warn ?? bad) : bad
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([
      { value: null, color: first as string },
      ...(middle === undefined || middle === end ? [] : [{ value: middle, color: 'yellow' }]),
      ...(end === undefined ? [] : [{ value: end, color: last as string }]),
    ])
}

const targetsOf = (queries: readonly Query[], shape: (target: DataqueryBuilder) => DataqueryBuilder) =>
  queries.map(([legend, expr], at) =>
    shape(
      new DataqueryBuilder()
        .datasource(sources.prometheus)
        .refId(String.fromCharCode(65 + at))
        .expr(expr)
        .legendFormat(legend === '' ? '__auto' : legend),
    ),
  )

const legend = (width: number) =>
  new VizLegendOptionsBuilder()
    .displayMode(width >= 12 ? LegendDisplayMode.Table : LegendDisplayMode.List)
    .placement(width >= 12 ? LegendPlacement.Right : LegendPlacement.Bottom)
    .showLegend(true)
    .calcs(width >= 12 ? ['lastNotNull', 'max'] : [])

/** One number, as it is now. */
export const figure = (one: Omit<Shown, 'queries'> & { query: string; limits?: Limits }): Builder<Panel> =>
  new StatPanel()
    .title(one.title)
    .description(one.about)
    .unit(one.unit)
    .datasource(sources.prometheus)
    .span(one.width ?? 4)
    .height(heights.figure)
    .thresholds(colours(one.limits ?? {}))
    .graphMode(BigValueGraphMode.None)
    .colorMode(one.limits === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .noValue('none')
    .targets(targetsOf([['', one.query]], (target) => target.instant()))

/** Lines over time. `exemplars`: points that lead to a trace and a correlation ID, by the links of the data source. */
export const lines = (
  one: Shown & { exemplars?: boolean; stacked?: boolean; most?: number; limits?: Limits },
): Builder<Panel> => {
  const width = one.width ?? 12
  const panel = new TimePanel()
    .title(one.title)
    .description(one.about)
    .unit(one.unit)
    .datasource(sources.prometheus)
    .span(width)
    .height(heights.chart)
    .min(0)
    .lineWidth(1)
    .fillOpacity(one.stacked ? 40 : 5)
    .legend(legend(width))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .targets(targetsOf(one.queries, (target) => target.range().exemplar(one.exemplars ?? false)))
  if (one.most !== undefined) panel.max(one.most)
  if (one.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
  return panel
}

/** How often which duration, over time. */
export const heat = (one: About & { query: string }): Builder<Panel> =>
  new HeatmapPanel()
    .title(one.title)
    .description(one.about)
    .unit(one.unit)
    .datasource(sources.prometheus)
    .span(one.width ?? 12)
    .height(heights.chart)
    .yAxis(new YAxisConfigBuilder().unit(one.unit))
    .targets(
      targetsOf([['{{le}}', one.query]], (target) =>
        target.range().exemplar(true).format(PromQueryFormat.Heatmap),
      ),
    )

/** A column of a table: a unit, links, or both. */
export interface Column {
  unit?: string
  links?: { title: string; url: string }[]
}

const columnOf = ({ unit, links }: Column): DynamicConfigValue[] => [
  ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
  ...(links === undefined
    ? []
    : [{ id: 'links', value: links.map((link) => ({ ...link, targetBlank: true })) }]),
]

/** A table whose rows are label sets and whose columns are queries, as they are now. */
export const tableOf = (
  one: Shown & { labels: readonly string[]; columns: Record<string, Column> },
): Builder<Panel> => {
  const panel = new TablePanel()
    .title(one.title)
    .description(one.about)
    .unit(one.unit)
    .datasource(sources.prometheus)
    .span(one.width ?? 24)
    .height(heights.table)
    .targets(targetsOf(one.queries, (target) => target.instant().format(PromQueryFormat.Table)))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(one.labels.map((label, at) => [label, at])),
        renameByName: Object.fromEntries(
          // With one query the column is `Value`, with several `Value #A`, `Value #B` …
          one.queries.map(([name], at) => [
            one.queries.length === 1 ? 'Value' : `Value #${String.fromCharCode(65 + at)}`,
            name,
          ]),
        ),
      },
    })
  for (const [name, column] of Object.entries(one.columns)) panel.overrideByName(name, columnOf(column))
  return panel
}

/** The rows that a query finds in Postgres. */
export const rowsOf = (one: About & { sql: string; columns?: Record<string, Column> }): Builder<Panel> => {
  const panel = new TablePanel()
    .title(one.title)
    .description(one.about)
    .unit(one.unit)
    .datasource(sources.postgres)
    .span(one.width ?? 24)
    .height(heights.table)
    .targets([sqlTarget(one.sql, 'table')])
  for (const [name, column] of Object.entries(one.columns ?? {})) panel.overrideByName(name, columnOf(column))
  return panel
}

/** Lines over time from rows. The query has the columns `time`, `metric` and one number. */
export const linesOfRows = (one: About & { sql: string }): Builder<Panel> =>
  new TimePanel()
    .title(one.title)
    .description(one.about)
    .unit(one.unit)
    .datasource(sources.postgres)
    .span(one.width ?? 12)
    .height(heights.chart)
    .legend(legend(one.width ?? 12))
    .targets([sqlTarget(one.sql, 'time_series')])

const sqlTarget = (rawSql: string, format: 'table' | 'time_series'): Builder<Dataquery> => ({
  build: () =>
    ({
      refId: 'A',
      datasource: sources.postgres,
      editorMode: 'code',
      rawQuery: true,
      format,
      rawSql,
    }) as object as Dataquery,
})
