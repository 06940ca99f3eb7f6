import { dashboardOf, labelVariable } from './dashboard.ts'
import { operationPage, spansWithId, story, trace } from './links.ts'
import { figure, heat, lines, rowsOf, tableOf } from './panels.ts'
import { inFive, orZeroOf, place, quantile, rate, series, service, sumBy } from './promql.ts'

const where = [place, service, 'operation_name=~"$operation"']
const calls = rate(series('throughline_operation_duration_seconds_count', ...where))
// Abandoned ones (no end within their time) are failures too.
const failures = rate(series('throughline_operation_duration_seconds_count', ...where, 'outcome!="success"'))
const buckets = series('throughline_operation_duration_seconds_bucket', ...where)
// Of successes: a call that is refused at once must not make a slow operation look quick.
const kept = series('throughline_operation_duration_seconds_bucket', ...where, 'outcome="success"')

const failed = (labels: string) => orZeroOf(sumBy(labels, failures), sumBy(labels, calls))
const share = (labels: string) => `${failed(labels)} / (${sumBy(labels, calls)} > 0)`

const operation = 'service_name, operation_service, operation_name'
const named = '{{operation_service}}.{{operation_name}}'

const callColumns = {
  duration: { unit: 's' },
  correlation_id: { links: [story, spansWithId] },
  trace_id: { links: [trace] },
  operation: { links: [operationPage({ service: 'service', operationService: 'operation_service' })] },
}

const rowsSql = (
  condition: string,
  order: string,
) => `SELECT started_at AS "time", service, operation_service, operation,
  duration_us / 1e6 AS duration, error_type, error_message, correlation_id, replace(trace_id::text, '-', '') AS trace_id
FROM throughline.operations
WHERE $__timeFilter(started_at)${condition} AND service ~ '^\${service:regex}$' AND operation ~ '^\${operation:regex}$'
ORDER BY ${order} LIMIT 50`

export const operations = dashboardOf({
  uid: 'throughline-operations',
  title: 'Throughline / Operations',
  about:
    'Rate, failures and duration of every operation. A point in a chart of durations is one call: its trace_id leads to Jaeger, its correlation_id to the console.',
  variables: [
    labelVariable(
      'environment',
      'deployment_environment_name',
      'throughline_operation_duration_seconds_count',
    ),
    labelVariable('service', 'service_name', series('throughline_operation_duration_seconds_count', place)),
    labelVariable(
      'operation',
      'operation_name',
      series('throughline_operation_duration_seconds_count', place, service),
    ),
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        figure({
          title: 'Calls',
          about: 'Operations that ended, a second.',
          unit: 'ops',
          query: sumBy('', calls),
        }),
        figure({
          title: 'Failures',
          about:
            'Share of the calls that failed or were never finished. Refusals that belong to the business are among them.',
          unit: 'percentunit',
          query: share(''),
          limits: { warn: 0.05, bad: 0.5 },
        }),
        figure({
          title: 'Half within',
          about: 'Median duration of successful calls.',
          unit: 's',
          query: quantile(0.5, '', kept),
        }),
        figure({
          title: '95 % within',
          about: '95th percentile of successful calls, interpolated in its bucket.',
          unit: 's',
          query: quantile(0.95, '', kept),
        }),
        figure({
          title: '99 % within',
          about: '99th percentile of successful calls, interpolated in its bucket.',
          unit: 's',
          query: quantile(0.99, '', kept),
        }),
        figure({
          title: 'Running',
          about: 'Operations that have begun and not ended.',
          unit: 'none',
          query: sumBy('', series('throughline_operation_active', ...where)),
        }),
      ],
    },
    {
      title: 'By service',
      panels: [
        lines({
          title: 'Calls by service',
          about: 'Operations that ended, a second. A line that ends is a service that says nothing any more.',
          unit: 'ops',
          width: 8,
          queries: [['{{service_name}}', sumBy('service_name', calls)]],
        }),
        lines({
          title: 'Failures by service',
          about: 'Share of the calls that failed or were never finished.',
          unit: 'percentunit',
          width: 8,
          queries: [['{{service_name}}', share('service_name')]],
        }),
        lines({
          title: 'Duration by service',
          about:
            'Percentiles of successful calls. The points are calls: click one for its trace and its story.',
          unit: 's',
          width: 8,
          exemplars: true,
          queries: [
            ['{{service_name}} 99 %', quantile(0.99, 'service_name', kept)],
            ['{{service_name}} 50 %', quantile(0.5, 'service_name', kept)],
          ],
        }),
      ],
    },
    {
      title: 'By operation',
      panels: [
        lines({
          title: 'Calls by operation',
          about: 'Operations that ended, a second.',
          unit: 'ops',
          queries: [[named, sumBy('operation_service, operation_name', calls)]],
        }),
        lines({
          title: 'Failures by operation',
          about: 'Share of the calls that failed or were never finished.',
          unit: 'percentunit',
          queries: [[named, share('operation_service, operation_name')]],
        }),
        lines({
          title: 'Duration by operation',
          about:
            '95th percentile of successful calls. The points are calls: click one for its trace and its story.',
          unit: 's',
          exemplars: true,
          queries: [[named, quantile(0.95, 'operation_service, operation_name', kept)]],
        }),
        lines({
          title: 'Errors by type',
          about:
            'Failures in five minutes by error.type; without a type it was a result that is no success, or a call that was never finished.',
          unit: 'none',
          stacked: true,
          queries: [
            [
              `${named} {{error_type}}`,
              inFive(
                'operation_service, operation_name, error_type',
                series('throughline_operation_duration_seconds_count', ...where, 'outcome!="success"'),
              ),
            ],
          ],
        }),
        heat({
          title: 'How long calls take',
          about: 'Calls by duration, failures too. Two bands are two kinds of calls under one name.',
          unit: 's',
          query: sumBy('le', rate(buckets)),
        }),
        lines({
          title: 'Running by operation',
          about:
            'Operations that have begun and not ended. A line that only rises is a leak, or a dependency that hangs.',
          unit: 'none',
          queries: [
            [
              named,
              sumBy('operation_service, operation_name', series('throughline_operation_active', ...where)),
            ],
          ],
        }),
        tableOf({
          title: 'Operations',
          about: 'All operations with what matters of each. The name leads to its page in the console.',
          unit: 'none',
          labels: ['service_name', 'operation_service', 'operation_name'],
          queries: [
            ['calls a second', sumBy(operation, calls)],
            ['failures', share(operation)],
            ['50 %', quantile(0.5, operation, kept)],
            ['95 %', quantile(0.95, operation, kept)],
            ['99 %', quantile(0.99, operation, kept)],
          ],
          columns: {
            'calls a second': { unit: 'ops' },
            failures: { unit: 'percentunit' },
            '50 %': { unit: 's' },
            '95 %': { unit: 's' },
            '99 %': { unit: 's' },
            operation_name: {
              links: [operationPage({ service: 'service_name', operationService: 'operation_service' })],
            },
          },
        }),
      ],
    },
    {
      title: 'Rows',
      panels: [
        rowsOf({
          title: 'Newest failures',
          about:
            'From Postgres: every failure is a row, whatever was sampled. The IDs lead to the console and to Jaeger.',
          unit: 'none',
          sql: rowsSql(' AND NOT success', 'started_at DESC'),
          columns: callColumns,
        }),
        rowsOf({
          title: 'Slowest calls',
          about:
            'From Postgres: the slowest of the window, with the IDs that lead to their story and their trace.',
          unit: 'none',
          sql: rowsSql('', 'duration_us DESC'),
          columns: callColumns,
        }),
      ],
    },
  ],
})
