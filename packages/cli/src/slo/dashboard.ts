import type { Goal } from './goals.js'
import { allowedOf, selectorOf } from './rules.js'
import { burns } from './windows.js'

const variable = 'prometheus'
const source = { type: 'prometheus', uid: `\${${variable}}` }
type Place = { x: number; y: number; w: number; h: number }

/** A dashboard for Grafana with one row an objective. A row can be copied into another dashboard as it is. */
export function sloDashboard(model: string, goals: readonly Goal[]): object {
  let y = 0
  const place = (h: number): number => {
    y += h
    return y - h
  }
  const panels = [...new Set(goals.map(({ slo }) => slo))]
    .flatMap((slo): object[] => [
      { type: 'row', title: slo, collapsed: false, panels: [], gridPos: at(0, place(1), 24, 1) },
      ...goals.filter((goal) => goal.slo === slo).flatMap((goal) => panelsOf(goal, place(HEIGHT))),
    ])
    .map((panel, index) => ({ id: index + 1, ...panel }))
  return {
    uid: 'throughline-slo',
    title: 'Throughline / Objectives',
    description: `Objectives of the value model ${model}: what is left of each error budget, and how fast it goes.`,
    tags: ['throughline'],
    timezone: 'browser',
    schemaVersion: 42,
    editable: true,
    graphTooltip: 1,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        {
          name: variable,
          label: 'Prometheus',
          type: 'datasource',
          query: 'prometheus',
          multi: false,
          current: { text: 'prometheus', value: 'throughline-prometheus' },
        },
      ],
    },
    annotations: { list: [] },
    links: [
      { title: 'Throughline', type: 'dashboards', tags: ['throughline'], asDropdown: true, keepTime: true },
    ],
    panels,
  }
}

const HEIGHT = 7

function panelsOf(goal: Goal, y: number): object[] {
  const own = selectorOf(goal)
  const allowed = allowedOf(goal)
  const promise = `${goal.kind === 'success' ? 'Succeeds' : 'Is quick enough'}: ${Number((goal.target * 100).toFixed(10))} % in ${goal.windowDays} days.`
  const title = (text: string) => `${goal.slo} ${goal.kind}: ${text}`
  return [
    stat(
      title('budget left'),
      `${promise} 100 % is untouched, below 0 the objective is missed. Of what Prometheus keeps: GET /metrics/performance has it from the rows.`,
      at(0, y, 4, HEIGHT),
      `throughline:slo_budget_left:ratio${own}`,
    ),
    stat(
      title('kept in a day'),
      `${promise} The share that was kept in the last day.`,
      at(4, y, 4, HEIGHT),
      `1 - throughline:slo_missed:ratio_rate1d${own}`,
    ),
    chart(
      title('how fast the budget goes'),
      `At 1 it lasts as long as it should. Alerts: ${burns.map(({ times, long, short }) => `${times} over ${long} and ${short}`).join(', ')}.`,
      'none',
      at(8, y, 8, HEIGHT),
      ['5m', '1h', '6h', '3d'].map((window) => [
        `${window} {{deployment_environment_name}}`,
        `throughline:slo_missed:ratio_rate${window}${own} / ${allowed}`,
      ]),
    ),
    chart(
      title('calls'),
      'Operations a second that count, and of them those that broke the promise.',
      'ops',
      at(16, y, 8, HEIGHT),
      [
        ['counted {{deployment_environment_name}}', `throughline:slo_counted:rate5m${own}`],
        ['missed {{deployment_environment_name}}', `throughline:slo_missed:rate5m${own}`],
      ],
    ),
  ]
}

const at = (x: number, y: number, w: number, h: number): Place => ({ x, y, w, h })

const target = (refId: string, legendFormat: string, expr: string, instant: boolean): object => ({
  refId,
  datasource: source,
  expr,
  legendFormat,
  instant,
  range: !instant,
})

const stat = (title: string, description: string, gridPos: Place, expr: string): object => ({
  type: 'stat',
  title,
  description,
  datasource: source,
  gridPos,
  fieldConfig: {
    defaults: {
      unit: 'percentunit',
      thresholds: {
        mode: 'absolute',
        steps: [
          { value: null, color: 'red' },
          { value: 0.000001, color: 'yellow' },
          { value: 0.25, color: 'green' },
        ],
      },
    },
    overrides: [],
  },
  options: { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, graphMode: 'none' },
  targets: [target('A', '{{deployment_environment_name}}', expr, true)],
})

const chart = (
  title: string,
  description: string,
  unit: string,
  gridPos: Place,
  queries: readonly (readonly [string, string])[] | string[][],
): object => ({
  type: 'timeseries',
  title,
  description,
  datasource: source,
  gridPos,
  fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  options: { legend: { showLegend: true, displayMode: 'list', placement: 'bottom' } },
  targets: queries.map(([legend, expr], index) =>
    target(String.fromCharCode(65 + index), legend ?? '', expr ?? '', false),
  ),
})
