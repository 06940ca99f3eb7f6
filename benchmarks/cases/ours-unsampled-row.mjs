import { oursWithoutExport } from './internal.mjs'
import { inUnsampledRequest } from './unsampled.mjs'

/** The same with the row and its six values, encoded; not written. */
export const setup = async () => ({ call: oursWithoutExport({}), inside: inUnsampledRequest })
