import { oursWithoutExport } from './internal.mjs'

/** A sampled span of OpenTelemetry's SDK with six attributes, metrics with exemplars; no row. */
export const setup = async () => ({ call: oursWithoutExport({ record: false }) })
