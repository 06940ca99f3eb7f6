/** A value of OTLP; a decoder gives integers beyond 2^53 as bigint. */
export type AttributeValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | Uint8Array
  | AttributeValue[]
  | { [key: string]: AttributeValue }

export type Attributes = Record<string, AttributeValue>

/** What is read of a span, whoever decoded or made it. IDs are hexadecimal digits, times nanoseconds since 1970. */
export type RecordSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string | undefined
  name: string
  startTimeUnixNano: bigint
  endTimeUnixNano: bigint
  attributes: Attributes
  events?: readonly { name: string; attributes: Attributes }[] | undefined
  /** 0 unset, 1 ok, 2 error. */
  status?: { code: number; message?: string | undefined } | undefined
}
