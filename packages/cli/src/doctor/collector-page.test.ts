import { expect, test } from 'vitest'
import { readCollectorPage } from './collector-page.js'

const labels = (exporter: string, more = '') =>
  `{data_type="traces",exporter="${exporter}"${more},service_name="throughline-collector",service_version="0.155.0"}`
const page = `# HELP otelcol_exporter_queue_size Current size of the retry queue
# TYPE otelcol_exporter_queue_size gauge
otelcol_exporter_queue_size${labels('otlp_http/records')} 52000
otelcol_exporter_queue_size${labels('otlp_http/all', ',pipeline="a"')} 1
otelcol_exporter_queue_size${labels('otlp_http/all', ',pipeline="b"')} 90
otelcol_exporter_queue_capacity${labels('otlp_http/all', ',pipeline="b"')} 100
otelcol_exporter_queue_capacity${labels('otlp_http/all', ',pipeline="a"')} 100
otelcol_exporter_queue_capacity${labels('otlp_http/records')} 65536
otelcol_exporter_sent_spans_total${labels('otlp_http/records')} 1.2e+06
otelcol_exporter_sent_metric_points__datapoints__total${labels('otlp_http/records')} 5
otelcol_exporter_send_failed_spans_total${labels('otlp_http/records')} 3
otelcol_process_uptime_seconds_total{service_name="throughline-collector",service_version="0.155.0"} 12
`

test('the page says the version, and of each exporter its queue, what was sent and what was given up', () => {
  const found = readCollectorPage(page)!
  expect(found.version).toBe('0.155.0')
  expect(found.exporters.get('otlp_http/records')).toEqual({
    queue: { size: 52_000, capacity: 65_536 },
    sent: 1_200_005,
    failed: 3,
  })
})

test('of several queues of one exporter the fullest counts', () => {
  expect(readCollectorPage(page)!.exporters.get('otlp_http/all')?.queue).toEqual({ size: 90, capacity: 100 })
})

test('a page of another program is none, and one without exporters names none', () => {
  expect(readCollectorPage('up 1')).toBeUndefined()
  const started = readCollectorPage('otelcol_process_uptime_seconds_total{} 1\n')
  expect([started?.version, started?.exporters.size]).toEqual([undefined, 0])
})
