import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { sources } from './panels.ts'
import { variable } from './variable.ts'

/** Panels under one heading. */
export interface Row {
  title: string
  panels: readonly Builder<Panel>[]
}

/** A data source to choose from; at first the provisioned one. */
const sourceVariable = (name: keyof typeof sources): Builder<VariableModel> =>
  new DatasourceVariableBuilder(name)
    .label(`${name[0]?.toUpperCase()}${name.slice(1)}`)
    .type(sources[name].type)
    .current({ selected: false, text: name, value: `throughline-${name}` })

/** Values of a label. `All` is `.*`, which series without the label fit too; a name of a metric needs something narrower. */
export const labelVariable = (
  name: string,
  label: string,
  series: string,
  all = '.*',
): Builder<VariableModel> => {
  const query = `label_values(${series}, ${label})`
  return new QueryVariableBuilder(name)
    .label(name)
    .datasource(sources.prometheus)
    .query({ qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(all)
    .current({ selected: true, text: ['All'], value: ['$__all'] })
}

/** Where the recorder's console is, as a browser reaches it. */
const consoleVariable = new TextBoxVariableBuilder('console')
  .label('console')
  .description('Address of the recorder: links lead to its console')
  .defaultValue('http://127.0.0.1:4400')
  .current({ selected: true, text: 'http://127.0.0.1:4400', value: 'http://127.0.0.1:4400' })

/** A line where a version of a service was seen that was not there five minutes before. */
const deploys = new AnnotationQueryBuilder()
  .name('Deploys')
  .datasource(sources.prometheus)
  .enable(true)
  .iconColor('blue')
  .titleFormat('{{service_name}} {{service_version}}')
  .step('60s')
  .expr(
    'count by (service_name, service_version) (throughline_ship_requests_total) unless count by (service_name, service_version) (throughline_ship_requests_total offset 5m)',
  )
  .target(
    new DataqueryBuilder()
      .datasource(sources.prometheus)
      .refId('Deploys')
      .expr(
        'count by (service_name, service_version) (throughline_ship_requests_total) unless count by (service_name, service_version) (throughline_ship_requests_total offset 5m)',
      ),
  )

export function dashboardOf(one: {
  uid: string
  title: string
  about: string
  variables: readonly Builder<VariableModel>[]
  rows: readonly Row[]
}): Dashboard {
  const builder = new DashboardBuilder(one.title)
    .uid(one.uid)
    .description(one.about)
    .tags(['throughline'])
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([
      ...(Object.keys(sources) as (keyof typeof sources)[]).map(sourceVariable),
      consoleVariable,
      ...one.variables,
    ])
    .annotation(deploys)
    .link(
      new DashboardLinkBuilder('Throughline')
        .type(DashboardLinkType.Dashboards)
        .tags(['throughline'])
        .keepTime(true)
        .asDropdown(true),
    )
    .link(
      new DashboardLinkBuilder('Console')
        .type(DashboardLinkType.Link)
        .icon('external link')
        .url(`${variable('console')}/#/`)
        .targetBlank(true),
    )
  for (const { title, panels } of one.rows) {
    builder.withRow(new RowBuilder(title))
    for (const panel of panels) builder.withPanel(panel)
  }
  return numbered(withoutUnused(builder.build()))
}

/** Grafana would ask for a data source that no panel and no link needs. */
function withoutUnused(dashboard: Dashboard): Dashboard {
  const { templating, ...rest } = dashboard
  const text = JSON.stringify([rest, templating.list?.map(({ datasource }) => datasource)])
  const list =
    templating.list?.filter(({ type, name }) => type !== 'datasource' || text.includes(variable(name))) ?? []
  return { ...dashboard, templating: { list } }
}

/** A panel without an id gets one from Grafana at each import, and no link to it lasts. */
function numbered(dashboard: Dashboard): Dashboard {
  let last = 0
  for (const panel of dashboard.panels ?? []) {
    last += 1
    panel.id = last
    if (panel.type === 'row') panel.gridPos = { x: 0, y: panel.gridPos?.y ?? 0, w: 24, h: 1 }
  }
  return dashboard
}
