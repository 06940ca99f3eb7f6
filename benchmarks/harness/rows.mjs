// Records as services send them, the same on every run: 20 services with 10 operations each, 3 % failures, five operations a
// correlation ID, seven keys of metadata, 450 bytes of JSON a record. A thousand in a row are of one instance, as in a request.
import { createHash } from 'node:crypto'

const perInstance = 1_000
const instances = 8

/** Rows number `from` to `until`, 50 µs apart. */
export function makeRows(from, until, beginMs) {
  return Array.from({ length: until - from }, (_, at) => makeRow(from + at, beginMs))
}

function makeRow(n, beginMs) {
  const trace = hex(`trace ${Math.floor(n / 5)}`, 32)
  const request = Math.floor(n / perInstance)
  const instance = request % instances
  const service = (n * 7) % 20
  const operation = (n * 13) % 10
  const ok = n % 33 !== 0
  return {
    startedAtUs: BigInt(beginMs) * 1000n + BigInt(n) * 50n,
    traceId: trace,
    spanId: (BigInt(n) + 1n).toString(16).padStart(16, '0'),
    parentSpanId: null,
    correlationId: correlationId(n, beginMs),
    service: `service-${service}`,
    serviceVersion: '1.4.2',
    operationService: `Class${operation}`,
    operation: `operation${operation}`,
    userId: `user-${n % 10_007}`,
    durationUs: BigInt(1_000 + ((n * 7_919) % 250_000)),
    success: ok,
    errorType: ok ? null : 'TimeoutError',
    errorMessage: ok ? null : 'upstream did not answer within 3000 ms',
    errorStack: null,
    metadata: JSON.stringify({
      model: 'large-v3',
      region: 'eu-west-1',
      tokens_in: n % 4_000,
      tokens_out: n % 1_000,
      tenant: `t${n % 300}`,
      cache_hit: n % 2 === 0,
      queue: 'default',
    }),
    business: null,
    instance: uuid(hex(`instance ${instance}`, 32)),
    seq: BigInt(Math.floor(request / instances) * perInstance + (n % perInstance) + 1),
  }
}

/** Five rows share one; of the form that the SDK makes: a UUID of version 7. */
function correlationId(n, beginMs) {
  const first = Math.floor(n / 5) * 5
  const random = hex(`correlation ${first}`, 18)
  const millis = Math.floor(beginMs + first / 20)
  return uuid(
    `${millis.toString(16).padStart(12, '0')}7${random.slice(0, 3)}8${random.slice(3, 6)}${random.slice(6)}`,
  )
}

/** The span that becomes that row. */
export function spanOf(row) {
  const start = row.startedAtUs * 1000n
  const attributes = {
    'correlation.id': row.correlationId,
    'operation.service': row.operationService,
    'operation.name': row.operation,
    outcome: row.success ? 'success' : 'failure',
    'user.id': row.userId,
    'throughline.instance': row.instance,
    'throughline.seq': Number(row.seq),
  }
  for (const [key, value] of Object.entries(JSON.parse(row.metadata))) attributes[`metadata.${key}`] = value
  if (!row.success) attributes['error.type'] = row.errorType
  return {
    traceId: row.traceId,
    spanId: row.spanId,
    name: `${row.operationService}.${row.operation}`,
    kind: 1,
    startTimeUnixNano: start,
    endTimeUnixNano: start + row.durationUs * 1000n,
    attributes,
    status: row.success ? { code: 1 } : { code: 2, message: row.errorMessage },
  }
}

function hex(text, digits) {
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}

function uuid(digits) {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
