import { context, defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT } from '@opentelemetry/api'
import { CorrelationPropagator, correlation } from '@throughline/core'
import { correlationOf } from '@throughline/core/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'
import { isCorrelationId } from './id.js'

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

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const propagator = new CorrelationPropagator()
const extract = (carrier: unknown, from = ROOT_CONTEXT) =>
  correlationOf(propagator.extract(from, carrier, defaultTextMapGetter))

const valid = ['a', 'order-4711', '01J9:x.y_z', 'A'.repeat(128), '550e8400-e29b-41d4-a716-446655440000']
const invalid: [string, string | string[]][] = [
  ['empty', ''],
  ['of 129 characters', 'a'.repeat(129)],
  ['of 9 kB', 'a'.repeat(9_216)],
  ['with a space', 'a b'],
  ['with a new line', 'a\nb'],
  ['ending in a new line', 'a\n'],
  ['with a carriage return', 'a\rset-cookie: x'],
  ['with a NUL', 'a\u0000'],
  ['with an escape', '\u001b[31m'],
  ['of two values', 'a, b'],
  ['of a list of two values', ['a', 'b']],
  ['of letters beyond ASCII', 'bestellung-ü'],
  ['of full-width digits', '１２３'],
  ['with a zero-width space', 'a\u200b'],
  ['with quotes', '"a"'],
  ['with a brace', '{a}'],
]

test.each(valid)('%s is taken over from outside', (id) => {
  expect(isCorrelationId(id)).toBe(true)
  expect(extract({ 'x-correlation-id': id })).toEqual({ id })
  expect(runtime.notices).toEqual([])
})

test.each(invalid)(
  'an ID %s is replaced by a new UUID and counted, and is not named anywhere',
  (_, value) => {
    const id = extract({ 'x-correlation-id': value })?.id
    expect(id).toMatch(UUID)
    expect(runtime.notices).toEqual([{ reason: 'correlation_id_replaced', detail: 'x-correlation-id' }])
  },
)

test('without an ID there is a new one, which is nothing to count', () => {
  expect(extract({})?.id).toMatch(UUID)
  expect(extract({ 'x-correlation-id': [] })?.id).toMatch(UUID)
  expect(extract({})?.id).not.toBe(extract({})?.id)
  expect(runtime.notices).toEqual([])
})

test('without an inbound ID the one that is there stays; an inbound one wins', () => {
  const here = propagator.extract(ROOT_CONTEXT, { 'x-correlation-id': 'here' }, defaultTextMapGetter)
  expect(extract({}, here)).toEqual({ id: 'here' })
  expect(extract({ 'x-correlation-id': 'inbound' }, here)).toEqual({ id: 'inbound' })
})

test('it goes out under the same header, and nothing goes out where there is none', () => {
  const carrier: Record<string, string> = {}
  propagator.inject(ROOT_CONTEXT, carrier, defaultTextMapSetter)
  expect(carrier).toEqual({})
  correlation.run('order-1', () => propagator.inject(context.active(), carrier, defaultTextMapSetter))
  expect(carrier).toEqual({ 'x-correlation-id': 'order-1' })
  expect(propagator.fields()).toEqual(['x-correlation-id'])
})
