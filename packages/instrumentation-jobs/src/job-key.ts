import { createContextKey } from '@opentelemetry/api'

/** Marks the context of a job, so that a phase knows whether it was begun inside. */
export const JOB_KEY: symbol = createContextKey('throughline.job')
