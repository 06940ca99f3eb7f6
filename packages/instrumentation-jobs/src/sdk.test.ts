import { join } from 'node:path'
import { correlation } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { start } from '../../sdk/src/index.js'
import { type Scratch, scratch } from '../../sdk/testing/child.js'
import { readOpenMetrics } from '../../sdk/testing/openmetrics.js'
import { type Receiver, startReceiver } from '../../sdk/testing/receiver.js'
import { instrumentJobs } from './index.js'

let room: Scratch
let receiver: Receiver
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  await receiver.close()
  room.remove()
})

test('with our SDK: one record, spans in one trace, and the names that dashboards know in Prometheus', async () => {
  const sdk = await start({
    serviceName: 'runner',
    endpoint: receiver.url,
    spoolDir: join(room.dir, 'spool'),
    metricsIntervalMs: 60_000,
    metricsPort: 0,
    log: () => {},
  })
  const jobs = instrumentJobs({
    queue: 'transcode',
    capacity: 2,
    state: () => ({ counts: { pending: 1 }, depth: 1 }),
  })
  const carrier = correlation.run('order-1', () => jobs.enqueued({ id: 'j-1', type: 'thumbnail' }))
  await jobs.run({ id: 'j-1', type: 'thumbnail', carrier }, (execution) =>
    execution.phase('running', async () => {}),
  )
  await jobs.check()

  const page = readOpenMetrics(await (await fetch(sdk.metricsUrl ?? '')).text())
  const names = page.flatMap(({ samples }) => samples.map(({ name }) => name))
  expect(names).toEqual(
    expect.arrayContaining([
      'container_job_launches_total',
      'container_job_duration_seconds_count',
      'container_active_jobs',
      'job_launch_latency_seconds_bucket',
      'job_queue_depth',
    ]),
  )
  expect(await sdk.shutdown()).toBe(true)
  jobs.close()

  const [job, check] = receiver.records()
  expect(job).toMatchObject({
    name: 'transcode.thumbnail',
    attributes: {
      'correlation.id': 'order-1',
      'operation.service': 'transcode',
      'operation.name': 'thumbnail',
      'metadata.job.id': 'j-1',
      'metadata.job.status': 'completed',
      'metadata.job.launch.latency_ms': expect.any(Number),
    },
  })
  expect(JSON.parse(String(job?.attributes.metadata))).toEqual({
    'job.phases': { queued_ms: expect.any(Number), running_ms: expect.any(Number) },
  })
  expect(check).toMatchObject({ name: 'transcode.status_check' })
  expect(JSON.parse(String(check?.attributes.metadata))).toMatchObject({
    'job.state': { pending: 1, depth: 1 },
    host: { slots: 0 },
  })
  const spans = receiver.spans('@throughline/instrumentation-jobs')
  const of = (name: string) => spans.find((span) => span.name === name)
  expect(job?.parentSpanId).toBe(of('process transcode')?.spanId)
  expect([of('queued'), of('running')].map((span) => span?.parentSpanId)).toEqual([job?.spanId, job?.spanId])
  for (const span of spans) expect(span.attributes['correlation.id']).toBe('order-1')
})
