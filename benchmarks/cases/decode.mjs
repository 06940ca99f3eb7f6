// The recorder's decoder: IDs as hexadecimal digits, attributes as an object, limits checked.
import { decodeTraces } from '@throughline/otlp'
import { traceRequest } from '../harness/trace-request.mjs'

const limits = {
  maxBytes: 16_777_216,
  maxSpans: 100_000,
  maxAttributes: 100_000,
  maxItems: 1_000_000,
  maxDepth: 100,
}

export function setup() {
  const body = traceRequest()
  return {
    call() {
      if (decodeTraces(body, 'protobuf', limits)[0].scopes[0].spans.length !== 1_000)
        throw new Error('spans are missing')
    },
  }
}
