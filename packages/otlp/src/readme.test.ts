import { readFileSync } from 'node:fs'
import { decodeTraces, encodeResource, encodeSpan, encodeTraces } from '@throughline/otlp'
import { expect, test } from 'vitest'

test('the example of the README runs and gives what it says', () => {
  const span = encodeSpan({
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    name: 'Billing.charge',
    startTimeUnixNano: 1_763_000_000_000_000_000n,
    endTimeUnixNano: 1_763_000_000_250_000_000n,
    attributes: { 'correlation.id': 'order-4711', 'metadata.amount': 129.9 },
    status: { code: 1 },
  })
  const body = encodeTraces({
    resource: encodeResource({ 'service.name': 'billing' }),
    scope: { name: 'throughline.operations' },
    spans: [span],
  })

  const [group] = decodeTraces(body, 'protobuf')
  group?.resource['service.name'] // 'billing'
  group?.scopes[0]?.spans[0]?.attributes['correlation.id'] // 'order-4711'

  expect(group?.resource['service.name']).toBe('billing')
  expect(group?.scopes[0]?.spans[0]?.attributes['correlation.id']).toBe('order-4711')

  const file = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
  const example = /```ts\n([\s\S]+?)```/.exec(file('../README.md'))?.[1]?.trim().split('\n') ?? []
  const source = file('readme.test.ts')
    .split('\n')
    .map((line) => line.trim())
  expect(example.length).toBeGreaterThan(10)
  expect(example.map((line) => line.trim()).filter((line) => !source.includes(line))).toEqual([])
})
