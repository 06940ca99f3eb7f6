import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeTraces,
  encodeAttributes,
  encodeResource,
  encodeSpan,
  encodeTraces,
  type Span,
} from './index.js'

const span: Span = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  name: 'Billing.charge',
  startTimeUnixNano: 1n,
  endTimeUnixNano: 2n,
  attributes: {},
}

function decoded(encoded: Uint8Array) {
  const request = encodeTraces({ resource: encodeResource({}), scope: { name: 's' }, spans: [encoded] })
  return decodeTraces(request, 'protobuf')[0]!.scopes[0]!.spans[0]!.attributes
}

test('attributes that were encoded beforehand stand before those of the span', () => {
  const encodedAttributes = encodeAttributes({ 'operation.service': 'Billing', n: 3 })
  const attributes = decoded(encodeSpan({ ...span, encodedAttributes, attributes: { 'user.id': 'u-1' } }))
  expect(Object.entries(attributes)).toEqual([
    ['operation.service', 'Billing'],
    ['n', 3],
    ['user.id', 'u-1'],
  ])
})

test('short and long, plain and foreign keys and values come back as they went', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 140 }),
    fc.string({ unit: 'grapheme', maxLength: 140 }),
  )
  const value = fc.oneof(
    text,
    fc.integer(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 53 - 1),
  )
  fc.assert(
    fc.property(fc.dictionary(text, value, { noNullPrototype: true }), (attributes) => {
      expect({ ...decoded(encodeSpan({ ...span, attributes })) }).toEqual(attributes)
    }),
    { numRuns: 500 },
  )
})
