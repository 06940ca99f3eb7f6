import type { Goal } from './goals.js'
import { burns, LEAST_MISSED, seconds, windows } from './windows.js'

interface Rule {
  record?: string
  alert?: string
  expr: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

export interface RuleFile {
  groups: { name: string; interval: string; rules: Rule[] }[]
}

/** Recording and alerting rules for Prometheus: one group a goal, so that a slow one holds up no other. */
export const sloRules = (goals: readonly Goal[]): RuleFile => ({
  groups: goals.map((goal) => ({
    name: `throughline-slo-${goal.slo}-${goal.kind}`,
    interval: '1m',
    rules: [...recordsOf(goal), ...alertsOf(goal)],
  })),
})

/** The allowed share, without the dust of binary fractions. */
export const allowedOf = ({ target }: Goal): number => Number((1 - target).toFixed(12))

export const selectorOf = ({ slo, kind }: Goal): string => `{slo=${JSON.stringify(slo)},goal="${kind}"}`

const recordsOf = (goal: Goal): Rule[] => {
  const { labels } = goal
  const own = selectorOf(goal)
  return [
    { record: 'throughline:slo_objective:ratio', expr: `vector(${goal.target})`, labels },
    ...windows.flatMap((window): Rule[] => [
      { record: `throughline:slo_counted:rate${window}`, expr: goal.counted(window), labels },
      {
        record: `throughline:slo_missed:rate${window}`,
        // 0 where nothing missed: a failure that never happened has no series.
        expr: `${goal.missed(window)} or 0 * (${goal.counted(window)})`,
        labels,
      },
      {
        record: `throughline:slo_missed:ratio_rate${window}`,
        expr: `throughline:slo_missed:rate${window}${own} / (throughline:slo_counted:rate${window}${own} > 0)`,
      },
    ]),
    {
      record: 'throughline:slo_budget_left:ratio',
      // Hours one after the other make up the whole window; a rate over weeks would read every sample of them each minute. In the very first
      // hour there is none yet.
      expr: `1 - (${overDays('missed', goal)} / (${overDays('counted', goal)} > 0) or throughline:slo_missed:ratio_rate1h${own}) / ${allowedOf(goal)}`,
    },
  ]
}

const overDays = (what: 'missed' | 'counted', goal: Goal): string =>
  `avg_over_time(throughline:slo_${what}:rate1h${selectorOf(goal)}[${goal.windowDays}d:1h])`

const alertsOf = (goal: Goal): Rule[] => {
  const { labels } = goal
  const own = selectorOf(goal)
  const name = `${labels.operation_service}.${labels.operation_name}`
  const failed = goal.kind === 'success' ? ' --failed' : ''
  return burns.map(({ times, long, short, severity }): Rule => {
    const limit = Number((times * allowedOf(goal)).toFixed(12))
    return {
      alert: 'ThroughlineErrorBudgetBurn',
      expr: [
        `throughline:slo_missed:ratio_rate${long}${own} > ${limit}`,
        `and throughline:slo_missed:ratio_rate${short}${own} > ${limit}`,
        `and ${seconds[long]} * throughline:slo_missed:rate${long}${own} >= ${LEAST_MISSED}`,
      ].join('\n'),
      labels: { severity, burn: String(times), window: long },
      annotations: {
        summary: `${name} uses the error budget of ${goal.slo} (${goal.kind}) ${times} times too fast`,
        description: `{{ $value | humanizePercentage }} of its calls missed in ${long}, where ${percent(allowedOf(goal))} may in ${goal.windowDays} days. See them: throughline tail${labels.service_name === undefined ? '' : ` --service ${labels.service_name}`} --operation ${name}${failed}`,
        runbook_url: 'docs/guides/slo.md#when-it-burns',
      },
    }
  })
}

const percent = (share: number): string => `${Number((share * 100).toFixed(10))} %`
