export type Format = 'protobuf' | 'json'

const varint = (value: number): number[] => {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
  return bytes
}

const bytesField = (field: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes])

const intField = (field: number, value: number): Buffer =>
  Buffer.from([...varint(field * 8), ...varint(value)])

/** `ExportTraceServiceResponse`: empty when all is stored, else how many records are parked and why. */
export const exportResponse = (format: Format, parked: number, message: string): Buffer => {
  if (format === 'json')
    return Buffer.from(
      parked === 0
        ? '{}'
        : JSON.stringify({ partialSuccess: { rejectedSpans: String(parked), errorMessage: message } }),
    )
  if (parked === 0) return Buffer.alloc(0)
  return bytesField(1, Buffer.concat([intField(1, parked), bytesField(2, Buffer.from(message))]))
}

/** `google.rpc.Status`, the body that OTLP/HTTP asks of a refusal. */
export const refusalResponse = (format: Format, httpStatus: number, message: string): Buffer => {
  const code = grpcCodes[httpStatus] ?? 13
  if (format === 'json') return Buffer.from(JSON.stringify({ code, message }))
  return Buffer.concat([intField(1, code), bytesField(2, Buffer.from(message))])
}

// INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, OUT_OF_RANGE, UNAVAILABLE.
const grpcCodes: Record<number, number> = { 400: 3, 401: 16, 403: 7, 404: 5, 413: 11, 415: 3, 503: 14 }
