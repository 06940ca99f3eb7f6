import { oursWithoutExport } from './internal.mjs'
import { inUnsampledRequest } from './unsampled.mjs'

/** Under an unsampled parent: metrics, and its place in the trace; no row. */
export const setup = async () => ({
  call: oursWithoutExport({ record: false }, { withAttributes: false }),
  inside: inUnsampledRequest,
})
