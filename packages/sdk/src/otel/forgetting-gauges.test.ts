import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { expect, test } from 'vitest'
import { forgettingGauges } from './forgetting-gauges.js'

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

test('a gauge that is observed no more has no value; a counter that is not counted keeps its own', async () => {
  const reader = new Reader({
    aggregationTemporalitySelector: forgettingGauges(() => AggregationTemporality.CUMULATIVE),
  })
  const provider = new MeterProvider({ readers: [reader] })
  const meter = provider.getMeter('app')
  let depth: number | undefined = 7
  meter.createObservableGauge('queue.depth').addCallback((result) => {
    if (depth !== undefined) result.observe(depth)
  })
  meter.createCounter('jobs').add(3)
  const values = async () => {
    const { resourceMetrics } = await reader.collect()
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    return Object.fromEntries(
      all.map((one) => [one.descriptor.name, one.dataPoints.map(({ value }) => value)]),
    )
  }
  expect(await values()).toEqual({ 'queue.depth': [7], jobs: [3] })
  expect(await values()).toEqual({ 'queue.depth': [7], jobs: [3] })
  depth = undefined
  expect((await values())['queue.depth'] ?? []).toEqual([])
  depth = 2
  expect(await values()).toEqual({ 'queue.depth': [2], jobs: [3] })
  await provider.shutdown()
})
