import { encodeResource, encodeSpan, encodeTraces } from '@throughline/otlp'
import { makeRows, spanOf } from './rows.mjs'

/** A protobuf request of 1,000 records. */
export function traceRequest(beginMs = Date.UTC(2026, 0, 1)) {
  return encodeTraces({
    resource: encodeResource({ 'service.name': 'bench', 'service.version': '1.4.2' }),
    scope: { name: 'throughline.operations', version: '0.1.0' },
    spans: makeRows(0, 1_000, beginMs).map((row) => encodeSpan(spanOf(row))),
  })
}
