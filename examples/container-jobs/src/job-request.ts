import { InvalidJob } from './errors.js'

export interface Limits {
  memoryMb: number
  cpus: number
  /** Of running; waiting and launching do not count. */
  timeoutS: number
}

/** What a job is asked for with, defaults filled in. */
export interface JobRequest {
  /** Few values: it is a label of metrics. */
  type: string
  image: string
  /** Program and arguments; no shell reads them. */
  command: string[]
  env: Record<string, string>
  limits: Limits
}

/** Set by the runner for whatever runs inside; a job that set them itself would put its spans and lines into somebody else's trace. */
const RESERVED = new Set(['TRACEPARENT', 'TRACESTATE', 'CORRELATION_ID'])

const text = { type: 'string', maxLength: 4_096, pattern: '^[^\\u0000]*$' }

/**
 * The body of `POST /jobs`. Nothing else is taken: labels, mounts, networks and privileges are the runner's, not the job's. An image is named
 * as Docker names it; its name becomes part of a path of the engine's API, so nothing in it may climb out.
 */
export const jobSchema = {
  type: 'object',
  required: ['image', 'command'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,31}$', default: 'container' },
    image: {
      type: 'string',
      maxLength: 255,
      pattern:
        '^(?!.*(?:\\.\\.|//))[a-z0-9][a-z0-9._/-]*(?::[0-9]{1,5}/[a-z0-9._/-]+)?(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$',
    },
    command: { type: 'array', minItems: 1, maxItems: 64, items: text },
    env: {
      type: 'object',
      maxProperties: 32,
      propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' },
      additionalProperties: text,
      default: {},
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        // The least that the engine takes.
        memoryMb: { type: 'integer', minimum: 6, maximum: 16_384, default: 256 },
        cpus: { type: 'number', minimum: 0.01, maximum: 64, default: 1 },
        timeoutS: { type: 'integer', minimum: 1, maximum: 86_400, default: 600 },
      },
    },
  },
} as const

/** What the schema cannot say. @throws InvalidJob */
export function checkRequest(request: JobRequest): JobRequest {
  for (const name of Object.keys(request.env))
    if (RESERVED.has(name.toUpperCase()))
      throw new InvalidJob(`body/env must not have ${name}: it is set by the runner`)
  return request
}
