import { dashboardOf, labelVariable } from './dashboard.ts'
import { figure, lines, rowsOf } from './panels.ts'
import { inFive, maxBy, orZero, place, rate, series, service, sumBy, within } from './promql.ts'

const where = [place, service]
const sdk = (name: string, ...more: string[]) => series(name, ...where, ...more)
const perSecond = (labels: string, selector: string) => sumBy(labels, rate(selector))
const recorder = (name: string) => rate(`throughline_recorder_${name}_total`)

/** A counter of the Collector that comes in two signals: its name becomes a label first, as rate() drops it. */
const bothSignals = (kind: string, offset = '') =>
  `label_replace({__name__=~"otelcol_exporter_${kind}_(spans|metric_points)"}${offset}, "signal", "$1", "__name__", ".+_${kind}_(.+)")`
const sent = sumBy('exporter, signal', `rate(${bothSignals('sent')}[$__rate_interval:10s])`)
/** As `inFive`. */
const fewSignals = (kind: string) =>
  orZero(
    sumBy(
      'exporter, signal',
      `(${bothSignals(kind)} unless ${bothSignals(kind, ' offset 5m')}) or increase(${bothSignals(kind)}[5m:10s])`,
    ),
  )

const stored = ['rows', 'duplicates', 'rolled_back', 'lifecycle', 'dead_letters']
const unaccounted = `sum(increase(throughline_ship_records_total[1h])) - (${stored
  .map((name) => `sum(increase(throughline_recorder_${name}_total[1h]))`)
  .join(' + ')})`

export const pipeline = dashboardOf({
  uid: 'throughline-pipeline',
  title: 'Throughline / Pipeline health',
  about:
    'The way of a record from the spool of a service by the Collector and the recorder into Postgres: what waits at each hop, what was refused, what is missing. Prometheus scrapes the Collector as otelcol and the recorder as throughline-recorder.',
  variables: [
    labelVariable('environment', 'deployment_environment_name', 'throughline_ship_requests_total'),
    labelVariable('service', 'service_name', series('throughline_ship_requests_total', place)),
  ],
  rows: [
    {
      title: 'Is it well?',
      panels: [
        figure({
          title: 'Alerts',
          about: 'Alerts of deploy/prometheus that fire. Each has a runbook.',
          unit: 'none',
          query: orZero('count(ALERTS{alertname=~"Throughline.+",alertstate="firing"})'),
          limits: { bad: 1 },
        }),
        figure({
          title: 'Recorder',
          about: '1: the recorder answers. 0: it does not, or the token of Prometheus is not valid.',
          unit: 'none',
          query: orZero('min(up{job="throughline-recorder"})'),
          limits: { bad: 1, falling: true },
        }),
        figure({
          title: 'Postgres',
          about: '1: the database answers the recorder.',
          unit: 'none',
          query: orZero('min(throughline_recorder_database_up)'),
          limits: { bad: 1, falling: true },
        }),
        figure({
          title: 'Collector',
          about: '1: every Collector that Prometheus knows answers.',
          unit: 'none',
          query: orZero('min(up{job="otelcol"})'),
          limits: { bad: 1, falling: true },
        }),
        figure({
          title: 'Wait in spools',
          about: 'Records on the disks of services that nobody has acknowledged yet, in bytes.',
          unit: 'bytes',
          query: orZero(sumBy('', sdk('throughline_spool_pending_bytes'))),
          limits: { warn: 16_777_216, bad: 67_108_864 },
        }),
        figure({
          title: 'Dead letters',
          about: 'Records that were parked in this window, as they can never become a row.',
          unit: 'none',
          query: within('$__range', '', 'throughline_recorder_dead_letters_total'),
          limits: { bad: 1 },
        }),
      ],
    },
    {
      title: 'Services',
      panels: [
        lines({
          title: 'Records sent',
          about: 'Records a second that a Collector or the recorder took.',
          unit: 'ops',
          width: 8,
          queries: [['{{service_name}}', perSecond('service_name', sdk('throughline_ship_records_total'))]],
        }),
        lines({
          title: 'Requests that failed',
          about: 'Requests with records that were not acknowledged, a second. They are sent again.',
          unit: 'ops',
          width: 8,
          queries: [['{{service_name}}', perSecond('service_name', sdk('throughline_ship_failures_total'))]],
        }),
        lines({
          title: 'Sent again',
          about:
            'Records that were taken, not confirmed in time, and sent again: what a Collector lost, or was slow with.',
          unit: 'ops',
          width: 8,
          queries: [['{{service_name}}', perSecond('service_name', sdk('throughline_ship_repeated_total'))]],
        }),
        lines({
          title: 'Spools',
          about: 'Bytes that nobody has acknowledged yet. A line that only rises: nothing takes the records.',
          unit: 'bytes',
          width: 8,
          queries: [['{{service_name}}', sumBy('service_name', sdk('throughline_spool_pending_bytes'))]],
        }),
        lines({
          title: 'In memory alone',
          about: 'Records that the disk did not take: lost if the process ends now.',
          unit: 'bytes',
          width: 8,
          queries: [['{{service_name}}', sumBy('service_name', sdk('throughline_spool_memory_bytes'))]],
        }),
        lines({
          title: 'Not confirmed yet',
          about: 'Records that the receiver took and the recorder has not confirmed.',
          unit: 'none',
          width: 8,
          queries: [['{{service_name}}', sumBy('service_name', sdk('throughline_ship_unconfirmed'))]],
        }),
        lines({
          title: 'Notices',
          about:
            'What was refused, dropped or replaced in five minutes, by reason: docs/reference/metrics.md says what each is.',
          unit: 'none',
          width: 24,
          queries: [
            ['{{service_name}} {{reason}}', inFive('service_name, reason', sdk('throughline_notices_total'))],
          ],
        }),
      ],
    },
    {
      title: 'Collector',
      panels: [
        lines({
          title: 'Queues',
          about: 'How full the queue before each store is: 1 is full, and then requests are refused.',
          unit: 'percentunit',
          width: 8,
          most: 1,
          queries: [
            [
              '{{exporter}} {{data_type}}',
              maxBy('exporter, data_type', 'otelcol_exporter_queue_size / otelcol_exporter_queue_capacity'),
            ],
          ],
        }),
        lines({
          title: 'Taken by the stores',
          about: 'Spans and points a second that went out.',
          unit: 'ops',
          width: 8,
          queries: [['{{exporter}} {{signal}}', sent]],
        }),
        lines({
          title: 'Given up',
          about:
            'Spans and points in five minutes that a store refused for good, or that were retried too long.',
          unit: 'none',
          width: 8,
          queries: [['{{exporter}} {{signal}}', fewSignals('send_failed')]],
        }),
        lines({
          title: 'Queue took no more',
          about:
            'Spans and points in five minutes that did not fit. Records and metrics are refused and kept by their sender; spans for Jaeger are lost.',
          unit: 'none',
          width: 8,
          queries: [['{{exporter}} {{signal}}', fewSignals('enqueue_failed')]],
        }),
        lines({
          title: 'Refused at the door',
          about: 'Spans and points in five minutes that were answered with 503.',
          unit: 'none',
          width: 8,
          queries: [
            [
              '{{receiver}} {{transport}} spans',
              inFive('receiver, transport', 'otelcol_receiver_refused_spans'),
            ],
            [
              '{{receiver}} {{transport}} points',
              inFive('receiver, transport', 'otelcol_receiver_refused_metric_points'),
            ],
          ],
        }),
        lines({
          title: 'Memory of the Collector',
          about: 'Above THROUGHLINE_COLLECTOR_MEMORY_MIB it refuses until memory is free again.',
          unit: 'bytes',
          width: 8,
          queries: [['{{instance}}', maxBy('instance', 'otelcol_process_memory_rss')]],
        }),
      ],
    },
    {
      title: 'Recorder',
      panels: [
        lines({
          title: 'What records became',
          about:
            'Records a second: rows, doubles of rows, parts of a transaction that was rolled back, starts and stops, dead letters.',
          unit: 'ops',
          width: 8,
          queries: stored.map((name) => [name.replace('_', ' '), sumBy('', recorder(name))] as const),
        }),
        lines({
          title: 'Taken and not stored',
          about:
            'Records that receivers took in an hour, less those that the recorder knows. What is in a queue is on its way; a line that stays above zero is not.',
          unit: 'none',
          width: 8,
          queries: [['records', unaccounted]],
        }),
        lines({
          title: 'Waiting in the recorder',
          about: 'Records that wait for a write, or are in one.',
          unit: 'none',
          width: 8,
          queries: [['records', 'sum(throughline_recorder_pending_records)']],
        }),
        lines({
          title: 'Writes',
          about: 'Writes to Postgres a second, and those that stored nothing.',
          unit: 'ops',
          width: 8,
          queries: [
            ['writes', sumBy('', recorder('writes'))],
            ['failed', sumBy('', recorder('write_failures'))],
          ],
        }),
        lines({
          title: 'Requests',
          about:
            'With records, with questions for confirmation, and with a token that is not known, a second.',
          unit: 'ops',
          width: 8,
          queries: [
            ['records', sumBy('', recorder('requests'))],
            ['confirmations', sumBy('', recorder('confirms'))],
            ['unknown token', sumBy('', recorder('unknown_bearers'))],
          ],
        }),
        lines({
          title: 'Refusals',
          about:
            'Requests in five minutes that were not answered 200, by error code: docs/reference/errors.md.',
          unit: 'none',
          width: 8,
          queries: [['{{reason}}', inFive('reason', 'throughline_recorder_refusals_total')]],
        }),
        lines({
          title: 'Bytes of records',
          about: 'Bodies of requests a second, inflated, and what is without an answer now.',
          unit: 'bytes',
          width: 24,
          queries: [
            ['a second', sumBy('', recorder('request_bytes'))],
            ['waiting', 'sum(throughline_recorder_pending_bytes)'],
          ],
        }),
        rowsOf({
          title: 'Processes',
          about:
            'Every process of the window with its number of records and how it ended. A stop that is missing: killed, or still running.',
          unit: 'none',
          width: 12,
          sql: `SELECT started_at AS "time", service, version, environment, host, last_seq AS records, stopped_at, stop_reason
FROM throughline.instances WHERE $__timeFilter(started_at) ORDER BY started_at DESC LIMIT 50`,
        }),
        rowsOf({
          title: 'Parked records',
          about: 'Records that can never be rows, by reason: throughline dead-letters list shows them.',
          unit: 'none',
          width: 12,
          sql: `SELECT max(parked_at) AS "time", reason, count(*) AS records, sum(retries)::int8 AS retries
FROM throughline.dead_letter WHERE $__timeFilter(parked_at) GROUP BY reason ORDER BY 1 DESC LIMIT 50`,
        }),
      ],
    },
  ],
})
