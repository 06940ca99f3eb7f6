import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sampleOf } from './cgroup.js'

const recorded = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../testing/stats-${name}.json`, import.meta.url), 'utf8'))

// The answer of v1 was recorded here, that of v2 has the keys of a recording that others published; values where there were zeros are ours.
test('the figures of an engine on cgroup v1', () => {
  expect(sampleOf(recorded('cgroup-v1'))).toEqual({
    cpuSeconds: 0.0587128,
    throttledSeconds: 0,
    memoryBytes: 663_552,
    workingSetBytes: 663_552 - 98_304,
    limitBytes: 67_108_864,
    peakBytes: 4_071_424,
    readBytes: 614_400,
    writtenBytes: 4_096,
    receivedBytes: 0,
    sentBytes: 0,
  })
})

test('the figures of an engine on cgroup v2', () => {
  expect(sampleOf(recorded('cgroup-v2'))).toEqual({
    cpuSeconds: 1.482913,
    throttledSeconds: 0.5,
    memoryBytes: 92_274_688,
    workingSetBytes: 92_274_688 - 20_971_520,
    limitBytes: 268_435_456,
    peakBytes: undefined,
    readBytes: 167_936,
    writtenBytes: 8_192,
    receivedBytes: 1_296,
    sentBytes: 126,
  })
})

test('the figures of a container that has ended, and of what is no figures, are none', () => {
  const after = {
    cpu_stats: { cpu_usage: { total_usage: 0 } },
    memory_stats: {},
    read: '0001-01-01T00:00:00Z',
  }
  for (const nothing of [
    after,
    {},
    [],
    null,
    undefined,
    'text',
    { cpu_stats: null, memory_stats: { usage: 'x' } },
  ])
    expect(sampleOf(nothing)).toBeUndefined()
})

test('a figure that is missing, negative or no number is zero, and the others count', () => {
  const document = {
    cpu_stats: { cpu_usage: { total_usage: 2e9 }, throttling_data: null },
    memory_stats: { usage: 4_096, stats: null, limit: -1 },
    blkio_stats: { io_service_bytes_recursive: [null, { op: 7, value: 1 }, { op: 'read', value: 'x' }] },
    networks: { eth0: null, eth1: { rx_bytes: 5 } },
  }
  expect(sampleOf(document)).toMatchObject({
    cpuSeconds: 2,
    throttledSeconds: 0,
    workingSetBytes: 4_096,
    limitBytes: 0,
    readBytes: 0,
    receivedBytes: 5,
  })
})
