import { setImmediate as turn } from 'node:timers/promises'
import { correlation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

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

test('inside run the ID is there, also after an await; outside it is not', async () => {
  const answer = await correlation.run('order-1', async () => {
    await turn()
    return correlation.id()
  })
  expect(answer).toBe('order-1')
  expect(correlation.id()).toBeUndefined()
})

test('a nested run replaces the ID until it ends', () => {
  correlation.run('outer', () => {
    correlation.run('inner', () => expect(correlation.id()).toBe('inner'))
    expect(correlation.id()).toBe('outer')
  })
})

test('the ambient user comes to every record below, and a nested one replaces it', () => {
  const work = track('A.b', () => 1)
  correlation.run({ id: 'order-1', user: 'u-1' }, () => {
    work()
    correlation.run({ user: 'u-2' }, work)
    correlation.run('order-2', work)
  })
  work()
  expect(runtime.ended.map((one) => [one.correlationId, one.userId])).toEqual([
    ['order-1', 'u-1'],
    ['order-1', 'u-2'],
    ['order-2', 'u-1'],
    [expect.stringMatching(/^[0-9a-f-]{36}$/), undefined],
  ])
})

test("a function's own user wins over the ambient one", () => {
  correlation.run(
    { user: 'ambient' },
    track('A.b', () => 1, { user: () => 'own' }),
  )
  expect(runtime.last().userId).toBe('own')
})

test('an invalid ID is replaced and counted; without one a new one is made', () => {
  correlation.run('not valid', () => expect(correlation.id()).toMatch(/^[0-9a-f-]{36}$/))
  expect(runtime.count('correlation_id_replaced')).toBe(1)
  correlation.run({}, () => expect(correlation.id()).toMatch(/^[0-9a-f-]{36}$/))
  expect(runtime.count('correlation_id_replaced')).toBe(1)
})

test('run answers and throws what its function does', () => {
  const error = new Error('no')
  expect(correlation.run('a', () => 7)).toBe(7)
  expect(() =>
    correlation.run('a', () => {
      throw error
    }),
  ).toThrow(error)
})

test('an operation started by run keeps the ID for what it starts later', async () => {
  const inner = track('Inner.run', async () => turn())
  const outer = track('Outer.run', () => {
    const later = Promise.withResolvers<void>()
    setTimeout(() => inner().then(later.resolve), 1)
    return later.promise
  })
  await correlation.run('order-1', outer)
  expect(runtime.ended.map((one) => one.correlationId)).toEqual(['order-1', 'order-1'])
})

test('fields for a log line: what there is, under names of snake case', () => {
  expect(correlation.fields()).toEqual({})
  correlation.run('order-1', () => {
    expect(correlation.fields()).toEqual({ correlation_id: 'order-1' })
    track('A.b', () => {
      const { traceId, spanId } = runtime.started.at(-1)!
      expect(correlation.fields()).toEqual({ correlation_id: 'order-1', trace_id: traceId, span_id: spanId })
    })()
  })
})

test('fields of run are in every log line below, under the IDs, until it ends; a nested run adds to them', () => {
  const own = { 'job.id': '4711', correlation_id: 'forged' }
  correlation.run({ id: 'order-1', fields: own }, () => {
    expect(correlation.fields()).toEqual({ correlation_id: 'order-1', 'job.id': '4711' })
    correlation.run({ fields: { 'job.id': '4712', step: 'a' } }, () =>
      expect(correlation.fields()).toEqual({ correlation_id: 'order-1', 'job.id': '4712', step: 'a' }),
    )
    correlation.run('order-2', () =>
      expect(correlation.fields()).toEqual({ correlation_id: 'order-2', 'job.id': '4711' }),
    )
    track('A.b', () => expect(correlation.fields()).toMatchObject({ 'job.id': '4711' }))()
  })
  expect(correlation.fields()).toEqual({})
  expect(runtime.count('correlation_field_refused')).toBe(0)
})

test.each([
  ['a name of upper case', { Job: 'x' }],
  ['a name that begins with a digit', { '1a': 'x' }],
  ['a name of 65 characters', { ['a'.repeat(65)]: 'x' }],
  ['a value of 129 characters', { a: 'x'.repeat(129) }],
  ['a value with a new line', { a: 'x\ny=1' }],
  ['a value with NUL', { a: 'x\0' }],
  ['a value that is no text', { a: 7 as unknown as string }],
])('%s is refused as a field, and counted', (_, refused) => {
  correlation.run({ id: 'order-1', fields: { ...refused, kept: 'ü'.repeat(128) } }, () =>
    expect(correlation.fields()).toEqual({ correlation_id: 'order-1', kept: 'ü'.repeat(128) }),
  )
  expect(runtime.notices).toEqual([{ reason: 'correlation_field_refused', detail: 'correlation.run' }])
})

test('there are eight fields at most; one that is there can still be replaced', () => {
  const fields = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((name) => [name, '1']))
  correlation.run({ fields }, () => {
    expect(Object.keys(correlation.fields())).toHaveLength(9)
    expect(correlation.fields()).not.toHaveProperty('i')
    correlation.run({ fields: { a: '2' } }, () => expect(correlation.fields()).toMatchObject({ a: '2' }))
  })
  expect(runtime.count('correlation_field_refused')).toBe(1)
})
