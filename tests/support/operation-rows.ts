import { randomBytes } from 'node:crypto'
import type { OperationRow } from '../../packages/postgres/src/index.js'

/** One valid row that just started, with an identity of its own. */
export const anOperationRow = (changes: Partial<OperationRow> = {}): OperationRow => ({
  startedAtUs: BigInt(Date.now()) * 1000n + BigInt(Math.floor(Math.random() * 1000)),
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
  parentSpanId: null,
  correlationId: 'order-4711',
  service: 'billing',
  serviceVersion: '1.2.3',
  operationService: 'Billing',
  operation: 'charge',
  userId: '42',
  durationUs: 1_500n,
  success: true,
  errorType: null,
  errorMessage: null,
  errorStack: null,
  metadata: '{"site": "cologne"}',
  business: null,
  instance: '018f6a2e-7c1b-7d3e-9a51-0123456789ab',
  seq: 1n,
  ...changes,
})
