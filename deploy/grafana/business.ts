import { dashboardOf, labelVariable } from './dashboard.ts'
import { story } from './links.ts'
import { figure, lines, linesOfRows, rowsOf, tableOf } from './panels.ts'
import { maxBy, orZero, place, service, sumBy } from './promql.ts'

/*
 * Names of business metrics are the user's own, so counters are asked for by the prefix. rate() drops names, hence the name as a label, by
 * a subquery; its step is shorter than an export, so that no change is passed over.
 */
const named = (name: string, condition = '') =>
  `label_replace({__name__=~"${name}",${place},${service}${condition}}, "metric", "$1", "__name__", "business_(.+)_total")`
const all = 'business_.+_total'
const perSecond = (labels: string, condition: string) =>
  sumBy(labels, `rate(${named(all, condition)}[$__rate_interval:10s])`)

// What is left are the labels that the user declared, and the currency.
const own =
  'instance, job, service_instance_id, service_namespace, service_version, otel_scope_name, otel_scope_version, otel_scope_schema_url'

const gauge = (name: string) => maxBy('model, period, currency', `business_value_${name}`)

const entries = `FROM throughline.operations CROSS JOIN LATERAL jsonb_array_elements(business) AS entry
WHERE $__timeFilter(started_at) AND service ~ '^\${service:regex}$' AND entry ->> 'kind' IS NULL`

export const business = dashboardOf({
  uid: 'throughline-business',
  title: 'Throughline / Business and value',
  about:
    'What the operations achieve: business counters and money, and the figures of the value model. In the profiles hybrid and cloudwatch business metrics are in CloudWatch: then the rows at the end of this page have them, and deploy/cloudwatch.',
  variables: [
    labelVariable('environment', 'deployment_environment_name', '{__name__=~"business_.+_total"}'),
    labelVariable('service', 'service_name', '{__name__=~"business_.+_total"}'),
    labelVariable('counter', '__name__', '{__name__=~"business_.+_total"}', 'business_.+_total'),
  ],
  rows: [
    {
      title: 'Value of this month',
      panels: [
        figure({
          title: 'Savings',
          about:
            'Of the value model, from the rows of this month (UTC), in its currency. The console has the formula.',
          unit: 'locale',
          query: gauge('savings'),
        }),
        figure({
          title: 'Hours saved',
          about: 'Of the value model, this month.',
          unit: 'none',
          query: gauge('hours_saved'),
        }),
        figure({
          title: 'Successes',
          about: 'Operations of the value model that succeeded this month.',
          unit: 'locale',
          query: gauge('successes'),
        }),
        figure({
          title: 'Average duration',
          about: 'Of the operations of the value model that completed this month, failures too.',
          unit: 'ms',
          query: gauge('average_ms'),
        }),
        figure({
          title: 'Active users',
          about: 'Different users with a success this month.',
          unit: 'none',
          query: gauge('active_users'),
        }),
        figure({
          title: 'Adoption',
          about: 'Active users of those who could be; needs eligible_users in the value model.',
          unit: 'percent',
          query: orZero(gauge('adoption_percent')),
        }),
        tableOf({
          title: 'All figures',
          about: 'Every figure of the value model under each of its names, as the recorder shows them.',
          unit: 'none',
          labels: ['__name__', 'model', 'period', 'currency'],
          queries: [
            [
              'value',
              maxBy('__name__, model, period, currency', '{__name__=~"business_.+",model!="",period!=""}'),
            ],
          ],
          columns: { value: { unit: 'locale' } },
        }),
      ],
    },
    {
      title: 'Counters and money',
      panels: [
        lines({
          title: 'Money a second',
          about: 'Every metric of business.money, by currency. A line at zero earns nothing.',
          unit: 'none',
          queries: [
            [
              '{{service_name}} {{metric}} {{currency}}',
              perSecond('service_name, metric, currency', ',currency!=""'),
            ],
          ],
        }),
        lines({
          title: 'Counters a second',
          about: 'Every metric of business.counter. A line that was steady and stands still is worth a look.',
          unit: 'ops',
          queries: [['{{service_name}} {{metric}}', perSecond('service_name, metric', ',currency=""')]],
        }),
        tableOf({
          title: 'Over the window',
          about:
            'How much each counter grew in the window of the dashboard. Extrapolated by Prometheus: the exact sums are in the rows below.',
          unit: 'none',
          labels: ['service_name', 'metric', 'currency'],
          queries: [
            ['increase', sumBy('service_name, metric, currency', `increase(${named(all)}[$__range:10s])`)],
          ],
          columns: { increase: { unit: 'locale' } },
        }),
        lines({
          title: 'By its own labels',
          about: 'The counters chosen above, a second, by the labels that they were declared with.',
          unit: 'none',
          width: 24,
          queries: [['', `sum without (${own}) (rate(${named('$counter')}[$__rate_interval:10s]))`]],
        }),
      ],
    },
    {
      title: 'From the rows, in every profile',
      panels: [
        linesOfRows({
          title: 'Business values',
          about:
            'Exact sums from Postgres, by name. It reads rows: a window of days, not of months; the console has sums of any time.',
          unit: 'none',
          sql: `SELECT $__timeGroupAlias(started_at, $__interval), concat_ws(' ', entry ->> 'name', entry -> 'labels' ->> 'currency') AS metric,
  sum((entry ->> 'value')::numeric)::float8 AS value
${entries}
GROUP BY 1, 2 ORDER BY 1`,
        }),
        linesOfRows({
          title: 'Users',
          about: 'Different users of tracked operations, in each step of the chart.',
          unit: 'none',
          sql: `SELECT $__timeGroupAlias(started_at, $__interval), service AS metric, count(DISTINCT user_id) AS value
FROM throughline.operations
WHERE $__timeFilter(started_at) AND user_id IS NOT NULL AND service ~ '^\${service:regex}$'
GROUP BY 1, 2 ORDER BY 1`,
        }),
        rowsOf({
          title: 'Largest amounts',
          about:
            'Single operations with the most money of the window. The correlation ID leads to the story.',
          unit: 'none',
          sql: `SELECT started_at AS "time", service, operation_service || '.' || operation AS operation, entry ->> 'name' AS metric,
  (entry ->> 'value')::numeric::float8 AS amount, entry -> 'labels' ->> 'currency' AS currency, correlation_id
${entries} AND entry -> 'labels' ? 'currency'
ORDER BY (entry ->> 'value')::numeric DESC LIMIT 20`,
          columns: { amount: { unit: 'locale' }, correlation_id: { links: [story] } },
        }),
      ],
    },
  ],
})
