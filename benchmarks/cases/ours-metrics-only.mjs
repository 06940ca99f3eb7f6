import { oursWithoutExport } from './internal.mjs'

/** Counted and timed, nothing else. */
export const setup = async () => ({
  call: oursWithoutExport({ record: false, span: false }, { withAttributes: false }),
})
