import { decodeMetrics, decodeTraces } from '@throughline/otlp'
import { expect, test } from 'vitest'
import { measurementRequest, newSynthetic, operationRequest } from './synthetic.js'

const synthetic = newSynthetic()

test('the operation is a record that says it is synthetic, and sampled', () => {
  const [request] = decodeTraces(Buffer.from(operationRequest(synthetic, 'record')), 'protobuf')
  expect(request!.resource['service.name']).toBe('throughline-doctor')
  const [{ scope, spans }] = request!.scopes as [(typeof request & {})['scopes'][number]]
  expect(scope.name).toBe('throughline.operations')
  expect(spans).toMatchObject([
    {
      traceId: synthetic.traceId,
      flags: 0x101,
      attributes: { 'throughline.synthetic': true, 'correlation.id': synthetic.id },
    },
  ])
})

test('to a recorder that may not know better it goes in a scope that is no record', () => {
  const [request] = decodeTraces(Buffer.from(operationRequest(synthetic, 'picture')), 'protobuf')
  expect(request!.scopes.map(({ scope }) => scope.name)).toEqual(['throughline.doctor'])
})

test('each measurement has the scope it is routed by, the number of this run, and no label', () => {
  for (const [kind, scope] of [
    ['operational', 'throughline.operations'],
    ['business', 'throughline.business'],
  ] as const) {
    const [request] = decodeMetrics(Buffer.from(measurementRequest(synthetic, kind)), 'protobuf')
    expect(request!.scopes[0]!.scope.name).toBe(scope)
    expect(request!.scopes[0]!.metrics).toMatchObject([
      {
        name: `throughline.doctor.${kind}`,
        data: { kind: 'gauge', points: [{ value: synthetic.value, attributes: {} }] },
      },
    ])
  }
})
