import { lookups, type Stack, until } from '@throughline/cli'
import { beforeAll, describe, expect, test } from 'vitest'
import { countRows } from '../../examples/dyno-allocation/src/demo/counts.js'
import { followAllocation } from '../../examples/dyno-allocation/src/demo/follow.js'
import { startServices } from '../../examples/dyno-allocation/src/demo/services.js'
import { allocateOnce, drive, type Journal } from '../../examples/dyno-allocation/src/demo/traffic.js'
import { counterRequest, postJson, traceRequest } from './support/otlp-json.js'
import { testStack } from './support/test-stack.js'

describe('the hybrid profile, every part running', () => {
  let stack: Stack
  let journal: Journal
  let url: string

  beforeAll(async () => {
    stack = await testStack()
    await Promise.all([stack.startCloudWatch(), stack.startJaeger(), stack.startPrometheus()])
    await stack.startCollector()
    url = (await startServices(stack, 'collector')).url
    journal = await drive({ url, count: 200, prefix: 'pipeline' })
  })

  test('one correlation ID is in the response, the log, Jaeger, Prometheus, Postgres and CloudWatch', async () => {
    const answer = await allocateOnce(url, 'pipeline-followed', 1)
    expect(answer.status).toBe(201)
    const hops = await followAllocation(stack, answer.correlationId, answer.answeredId)
    expect(hops.filter((hop) => !hop.ok)).toEqual([])
    expect(hops).toHaveLength(6)
  })

  test('each completed operation is one row', async () => {
    expect(journal.broken).toEqual([])
    const counts = await until(
      async () => {
        const seen = await countRows(stack.databaseUrl, journal)
        return seen.rows >= seen.expected && seen
      },
      { what: 'a row for each operation' },
    )
    expect(counts).toEqual({ rows: 400, distinct: 400, expected: 400 })
  })

  test('some requests failed for real reasons, and their rows say which', async () => {
    const statuses = new Set(journal.answered.map((answer) => answer.status))
    expect([...statuses].sort()).toEqual([201, 404, 409])
    const failed = journal.answered.find((answer) => answer.status === 409)!
    const rows = await lookups.rowsByCorrelation(stack.databaseUrl, failed.correlationId)
    const allocation = rows.find((row) => row.operation === 'autoAllocate')
    expect(allocation).toMatchObject({ success: false, errorType: 'NoDynoAvailable', business: null })
    expect(allocation?.metadata).toMatchObject({ compatible: expect.any(Number) })
  })

  test('the row holds the exact business value, the user and the metadata', async () => {
    const [, row] = await lookups
      .rowsByCorrelation(stack.databaseUrl, 'pipeline-followed')
      .then((rows) => rows.sort((a, b) => b.operation.localeCompare(a.operation)))
    expect(row).toMatchObject({
      operationService: 'AllocationService',
      operation: 'autoAllocate',
      userId: 'engineer-1',
      success: true,
    })
    expect(row?.metadata).toMatchObject({
      backupUsed: expect.any(Boolean),
      'allocation.dyno': expect.stringMatching(/^cologne-/),
    })
    expect(row?.business).toContainEqual({
      name: 'business.allocation.value',
      labels: { site: 'cologne', currency: 'USD' },
      value: expect.stringMatching(/^\d+\.\d{2}$/),
    })
  })

  test('a business metric is at CloudWatch and not in Prometheus, an operational one the other way round', async () => {
    const points = await until(
      async () => {
        const seen = await lookups.cloudWatchPoints(stack.urls.cloudwatch)
        return seen.some((point) => point.name === 'business.vehicle.allocated') && seen
      },
      { what: 'the business counter at CloudWatch' },
    )
    expect(points.filter((point) => !point.name.startsWith('business.'))).toEqual([])
    await until(
      async () =>
        (await lookups.prometheusQuery(stack.urls.prometheus, 'throughline_operation_duration_seconds_count'))
          .length > 0,
      {
        what: 'the operational histogram in Prometheus',
      },
    )
    expect(await lookups.prometheusQuery(stack.urls.prometheus, '{__name__=~"business_.*"}')).toEqual([])
  })

  test('a metric of an unknown scope is operational', async () => {
    const answer = await postJson(
      `${stack.otlpUrl}/v1/metrics`,
      counterRequest('somebody.else', 'parcels.sent', 3),
    )
    expect(answer.status).toBe(200)
    await until(
      async () =>
        (await lookups.prometheusQuery(stack.urls.prometheus, 'parcels_sent_total'))[0]?.value === 3,
      {
        what: 'the metric of the unknown scope in Prometheus',
      },
    )
    const points = await lookups.cloudWatchPoints(stack.urls.cloudwatch)
    expect(points.some((point) => point.name === 'parcels.sent')).toBe(false)
  })

  test('an empty metric of one sender does not cost another sender its metrics', async () => {
    const empty = { sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [] } }
    const request = counterRequest('somebody.else', 'parcels.kept', 4) as {
      resourceMetrics: { scopeMetrics: { metrics: unknown[] }[] }[]
    }
    request.resourceMetrics[0]!.scopeMetrics[0]!.metrics.unshift({ name: 'parcels.empty', ...empty })
    expect((await postJson(`${stack.otlpUrl}/v1/metrics`, request)).status).toBe(200)
    await until(
      async () =>
        (await lookups.prometheusQuery(stack.urls.prometheus, 'parcels_kept_total'))[0]?.value === 4,
      {
        what: 'the metric beside the empty one',
      },
    )
  })

  test('an unsampled operation is a row and no trace', async () => {
    const hidden = traceRequest({ attributes: { 'correlation.id': 'unsampled-1' }, flags: 0x100 })
    const shown = traceRequest({ attributes: { 'correlation.id': 'sampled-1' }, flags: 0x101 })
    for (const { body } of [hidden, shown])
      expect((await postJson(`${stack.otlpUrl}/v1/traces`, body)).status).toBe(200)
    await until(
      async () => (await lookups.rowsByCorrelation(stack.databaseUrl, 'unsampled-1')).length === 1,
      { what: 'the unsampled row' },
    )
    await until(
      async () => (await lookups.jaegerTrace(stack.urls.jaeger, shown.span.traceId)).spans.length === 1,
      { what: 'the sampled trace' },
    )
    expect((await lookups.jaegerTrace(stack.urls.jaeger, hidden.span.traceId)).spans).toEqual([])
  })
})
