import { randomBytes } from 'node:crypto'

/** A protobuf trace request made field by field from OTLP's published numbers: an encoder that is not ours. */

function field(number: number, wire: number, payload: Buffer): Buffer {
  const head = varint((number << 3) | wire)
  return wire === 2 ? Buffer.concat([head, varint(payload.length), payload]) : Buffer.concat([head, payload])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

function fixed64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}

export function handSpan(options: { name: string; startMs: number; durationMs: number }): {
  body: Buffer
  traceId: string
} {
  const traceId = randomBytes(16)
  const start = BigInt(options.startMs) * 1_000_000n
  const span = Buffer.concat([
    field(1, 2, traceId),
    field(2, 2, randomBytes(8)),
    field(5, 2, Buffer.from(options.name)),
    field(7, 1, fixed64(start)),
    field(8, 1, fixed64(start + BigInt(options.durationMs) * 1_000_000n)),
  ])
  const scope = field(1, 2, Buffer.from('throughline.operations'))
  const scopeSpans = Buffer.concat([field(1, 2, scope), field(2, 2, span)])
  return { body: field(1, 2, field(2, 2, scopeSpans)), traceId: traceId.toString('hex') }
}
