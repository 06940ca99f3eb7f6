import { context } from '@opentelemetry/api'
import { oursWithoutExport } from './internal.mjs'
import { unsampled } from './unsampled.mjs'

/** Under an unsampled parent: metrics, and its place in the trace; no row. */
export async function setup() {
  const tracked = oursWithoutExport({ record: false }, { withAttributes: false })
  const parent = unsampled()
  return { call: (i) => context.with(parent, tracked, undefined, i) }
}
