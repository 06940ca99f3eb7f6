import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import {
  millisToNano,
  type Operation,
  type OperationNames,
  type Outcome,
  toAttributes,
} from '@throughline/core/runtime'
import { type Attributes, encodeAttributes, encodeSpan, type Span } from '@throughline/otlp'
import type { Notices } from './notices.js'

const KIND_INTERNAL = 1
const OK = 1
const ERROR = 2
const SAMPLED = 1
/** The bit that says "whether the parent is remote is known": with it, an unsampled flag means unsampled and not "unknown". */
const PARENT_KNOWN = 0x100
/** What user code hangs on a span has no limit in OpenTelemetry; a record has: one request of the shipper holds it. */
const MAX_RECORD_BYTES = 2 ** 20

/**
 * The record of an operation: one OTLP Span, as docs/reference/record.md has it. One that is to be kept (it failed, or was slow) is marked
 * as sampled whatever the head sampler said, so that its picture reaches Jaeger.
 */
export function encodeOperation(
  operation: Operation,
  seq: number,
  notices: Notices,
  keep = operation.outcome !== 'success',
): Uint8Array {
  const whole = encode(operation, seq, notices, keep, writtenByOthers(operation))
  if (whole.byteLength <= MAX_RECORD_BYTES) return whole
  notices.note('metadata_cut', `attributes and events of the span of ${operation.names.spanName}`)
  return encode(operation, seq, notices, keep, undefined)
}

function encode(
  operation: Operation,
  seq: number,
  notices: Notices,
  keep: boolean,
  written: Written | undefined,
): Uint8Array {
  const end = operation.startUnixNano + millisToNano(operation.durationMs)
  const failed = operation.outcome !== 'success'
  const span: Span = {
    traceId: operation.traceId,
    spanId: operation.spanId,
    parentSpanId: operation.parentSpanId,
    traceState: operation.traceState,
    flags: PARENT_KNOWN | (keep ? operation.traceFlags | SAMPLED : operation.traceFlags),
    name: operation.names.spanName,
    kind: KIND_INTERNAL,
    startTimeUnixNano: operation.startUnixNano,
    endTimeUnixNano: end,
    encodedAttributes: constantAttributes(operation.names, operation.outcome),
    attributes: addOwn(
      written?.attributes === undefined ? {} : withoutConstants(written.attributes),
      operation,
      seq,
      notices,
    ),
    events: events(written, operation, end),
    links: written?.links?.map(link),
    status: failed ? { code: ERROR, message: operation.failure?.message } : { code: OK },
  }
  return encodeSpan(span)
}

/** What user code put on the active span through the OpenTelemetry API: on one of the SDK, or on the operation's own. */
interface Written {
  readonly attributes?: Attributes | undefined
  readonly events?: ReadableSpan['events'] | undefined
  readonly links?: ReadableSpan['links'] | undefined
}

function writtenByOthers(operation: Operation): Written | undefined {
  return operation.span as unknown as Written | undefined
}

type Constants = Partial<Record<Outcome, Uint8Array>>

/** A kind of operation has the same names at each call: their bytes are made once for each outcome. */
const constants = new WeakMap<OperationNames, Constants>()

function constantAttributes(names: OperationNames, outcome: Outcome): Uint8Array {
  let known = constants.get(names)
  if (known === undefined) {
    known = {}
    constants.set(names, known)
  }
  // A copy: what the encoder gives is a view on memory that it shares with other messages.
  known[outcome] ??= Uint8Array.from(encodeAttributes(namesAndOutcome(names, outcome)))
  return known[outcome]
}

function namesAndOutcome(names: OperationNames, outcome: Outcome): Attributes {
  const result: Attributes = {}
  if (names.service !== undefined) result['operation.service'] = names.service
  result['operation.name'] = names.operation
  result.outcome = outcome
  return result
}

/** What the record says beyond identity and time, whole: for a span of the SDK that others see. */
export function operationAttributes(
  operation: Operation,
  seq: number | undefined,
  notices: Notices,
): Attributes {
  return addOwn(namesAndOutcome(operation.names, operation.outcome), operation, seq, notices)
}

/** Adds the attributes that differ from call to call; they win over what is there. */
function addOwn(
  result: Attributes,
  operation: Operation,
  seq: number | undefined,
  notices: Notices,
): Attributes {
  result['correlation.id'] = operation.correlationId
  if (operation.userId !== undefined) result['user.id'] = operation.userId
  if (operation.failure !== undefined) result['error.type'] = operation.failure.type
  if (operation.metadata !== undefined) {
    const { scalars, nested, cut } = toAttributes(operation.metadata)
    for (const key of Object.keys(scalars)) result[metadataKey(key)] = scalars[key]!
    if (nested !== undefined) result.metadata = nested
    if (cut) notices.note('metadata_cut', operation.names.spanName)
  }
  if (operation.business !== undefined) result['throughline.business'] = JSON.stringify(operation.business)
  if (seq !== undefined) result['throughline.seq'] = seq
  if (operation.sealed) result['throughline.in_tx'] = true
  return result
}

/** User code may have set what is ours to say: it would stand twice. */
function withoutConstants(others: Attributes): Attributes {
  const { 'operation.service': _service, 'operation.name': _name, outcome: _outcome, ...rest } = others
  return rest
}

/** Keys stand in the source and are few; the bound keeps generated ones from filling memory. A joined string made anew costs more than its look-up. */
const MAX_KEYS = 2_000
const metadataKeys = new Map<string, string>()

function metadataKey(key: string): string {
  const known = metadataKeys.get(key)
  if (known !== undefined) return known
  const joined = `metadata.${key}`
  if (metadataKeys.size < MAX_KEYS) metadataKeys.set(key, joined)
  return joined
}

type EncodedEvents = NonNullable<Span['events']>
type EncodedLinks = NonNullable<Span['links']>

function events(written: Written | undefined, operation: Operation, end: bigint): EncodedEvents | undefined {
  if (written?.events === undefined || written.events.length === 0) return exception(operation, end)
  const others = written.events.map((event) => ({
    name: event.name,
    timeUnixNano: BigInt(event.time[0]) * 1_000_000_000n + BigInt(event.time[1]),
    attributes: (event.attributes ?? {}) as Attributes,
  }))
  return [...others, ...(exception(operation, end) ?? [])]
}

function link(one: ReadableSpan['links'][number]): EncodedLinks[number] {
  const { traceId, spanId, traceFlags } = one.context
  return { traceId, spanId, flags: traceFlags, attributes: (one.attributes ?? {}) as Attributes }
}

function exception(operation: Operation, at: bigint): EncodedEvents | undefined {
  const { failure } = operation
  if (failure === undefined) return undefined
  const attributes: Attributes = { 'exception.type': failure.type, 'exception.message': failure.message }
  if (failure.stack !== undefined) attributes['exception.stacktrace'] = failure.stack
  return [{ name: 'exception', timeUnixNano: at, attributes }]
}
