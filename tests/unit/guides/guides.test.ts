import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { correlation } from '@throughline/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../../packages/core/testing/recording-runtime.js'
import { allocate, refund } from './business-metrics.js'
import { nightly, onMessage, place, release, runNightly, sent, server, whenFree } from './correlation.js'
import { log, pinoOptions, withIds } from './logs.js'

let runtime: RecordingRuntime
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  runtime = installRecordingRuntime()
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

test.each(['correlation', 'business-metrics', 'logs'])(
  'the code in the guide %s is what runs here',
  (name) => {
    const guide = readFileSync(new URL(`../../../docs/guides/${name}.md`, import.meta.url), 'utf8')
    const source = readFileSync(new URL(`./${name}.ts`, import.meta.url), 'utf8')
    const shown = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code ?? '')
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.filter((code) => !source.includes(code))).toEqual([])
  },
)

describe('the guide to correlation', () => {
  test('its server answers with the ID that the request brought', async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const answer = await fetch(`http://127.0.0.1:${port}`, { headers: { 'x-correlation-id': 'order-4711' } })
    expect(await answer.text()).toBe('this is order-4711')
    expect(answer.headers.get('x-correlation-id')).toBe('order-4711')
    server.close()
  })

  test('its nightly run has an ID and a user of its own', async () => {
    expect(await runNightly()).toBe('nightly-2026-11-21')
    expect(runtime.last()).toMatchObject({ userId: 'scheduler' })
    expect(await nightly()).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('its message is worked on under the ID of its sender', async () => {
    await correlation.run('order-1', () => place('a bike'))
    expect(await onMessage(sent[0]!)).toBe('order-1')
  })

  test('its pool calls back in the context of whoever waited', () => {
    const seen: unknown[] = []
    correlation.run('waiting', () => whenFree(() => seen.push(correlation.id())))
    correlation.run('freeing', release)
    expect(seen).toEqual(['waiting'])
  })
})

test('the guide to business metrics measures each kind', () => {
  allocate('cologne')
  expect(runtime.last().business?.map(({ name, value }) => [name, value])).toEqual([
    ['business.vehicle.allocated', '1'],
    ['business.allocation.value', '129.90'],
    ['business.vehicle.stock', '41'],
    ['business.delivery.time', '3'],
  ])
  refund()
  expect(runtime.last().business?.[0]?.value).toBe('-12.50')
})

test('the guide to logs has the ID on each line', () => {
  const write = vi.spyOn(console, 'log').mockImplementation(() => {})
  correlation.run('order-1', () => {
    expect(pinoOptions.mixin()).toEqual({ correlation_id: 'order-1' })
    expect(withIds.transform({ message: 'x' })).toEqual({ message: 'x', correlation_id: 'order-1' })
    log.log('%d items', 3)
  })
  expect(write.mock.calls).toEqual([['correlation_id=order-1 %d items', 3]])
  write.mockRestore()
})
