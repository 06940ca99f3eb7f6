import Type, { type Static } from 'typebox'
import { closed, cutFields, ErrorCount, orNull, Time, windowParameters } from './common.js'

const Name = (description: string) => Type.String({ minLength: 1, maxLength: 512, description })

export const JobsQuery = Type.Object(
  {
    ...windowParameters,
    queue: Type.Optional(Name('`job.queue`')),
    type: Type.Optional(Name('`job.type`; what status checks say is of the whole queue')),
    top: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 200, description: 'Types that are listed. Default 50' }),
    ),
  },
  closed,
)
export type JobsQuery = Static<typeof JobsQuery>

const Phase = Type.Union([
  Type.Literal('queued'),
  Type.Literal('pulling'),
  Type.Literal('creating'),
  Type.Literal('starting'),
  Type.Literal('running'),
  Type.Literal('collecting'),
  Type.Literal('removing'),
])
const Count = Type.Integer({ minimum: 0 })
const Whole = orNull(Type.Integer({ minimum: 0, description: 'null: not known' }))
const Share = orNull(Type.Number({ minimum: 0, maximum: 1, description: '0 to 1; null: not known' }))
const Milliseconds = orNull(Type.Number({ minimum: 0 }))

const spread = {
  count: Type.Integer({ minimum: 0, description: 'Jobs that tell it' }),
  averageMs: Milliseconds,
  p50Ms: Milliseconds,
  p95Ms: Milliseconds,
  p99Ms: Milliseconds,
  maxMs: Milliseconds,
}

/** Percentiles are within 1.09 % of those of the rows; everything else is exact. */
export const JobSpread = Type.Object(spread, closed)
export type JobSpread = Static<typeof JobSpread>

const figures = {
  count: Type.Integer({ minimum: 0, description: 'Jobs that began in the window and have ended' }),
  completed: Count,
  failed: Count,
  cancelled: Count,
  retried: Type.Integer({ minimum: 0, description: 'Of `count`: runs after the first try' }),
  successRate: orNull(
    Type.Number({ minimum: 0, maximum: 1, description: 'completed / (completed + failed); null: neither' }),
  ),
  perSecond: Type.Number({ minimum: 0, description: 'Processing rate: `count` over the window' }),
  duration: JobSpread,
  launch: Type.Object(spread, { ...closed, description: 'Launch latency: from enqueued to running' }),
  phases: Type.Array(Type.Object({ phase: Phase, ...spread }, closed), {
    description: 'Those that were measured, in the order of a job’s life',
  }),
  failures: Type.Array(ErrorCount, { description: 'By error.type, the most frequent first, at most 20' }),
  otherFailures: Type.Integer({ minimum: 0, description: 'Failures of types that are not listed' }),
  peak: orNull(
    Type.Object(
      { jobs: Type.Integer({ minimum: 1 }), at: Time },
      {
        ...closed,
        description:
          'The most jobs that ran at once, exactly, and when first; of jobs that have ended, those among them that began up to 24 hours before the window. null: none ran',
      },
    ),
  ),
}

export const JobFigures = Type.Object(figures, closed)
export type JobFigures = Static<typeof JobFigures>

const checked = {
  checkedAt: Time,
  ageSeconds: Type.Number({ minimum: 0, description: 'At the end of the window, or now' }),
  stale: Type.Boolean({
    description: 'Older than three times what lies between two checks, and than a minute',
  }),
}

export const QueueState = Type.Object(
  {
    ...checked,
    pending: Whole,
    running: Whole,
    completed: Whole,
    failed: Whole,
    cancelled: Whole,
    depth: orNull(Type.Integer({ minimum: 0, description: 'Jobs that wait' })),
    oldestAgeSeconds: orNull(
      Type.Number({ minimum: 0, description: 'How long the first of them waited then' }),
    ),
  },
  closed,
)
export type QueueState = Static<typeof QueueState>

const Checks = Type.Object(
  {
    count: Type.Integer({ minimum: 0, description: 'In the last 24 hours of the window' }),
    failed: Count,
    averageMs: Milliseconds,
    jobsPerSecond: orNull(
      Type.Number({ minimum: 0, description: 'Jobs looked at, by the time of the checks' }),
    ),
  },
  closed,
)

export const JobHost = Type.Object(
  {
    queue: Type.String(),
    host: orNull(Type.String()),
    instance: orNull(Type.String({ format: 'uuid' })),
    ...checked,
    checks: Type.Integer({ minimum: 1, description: 'Of this process, in the last 24 hours of the window' }),
    failedChecks: Count,
    lastCheck: Type.Union([Type.Literal('ok'), Type.Literal('failed')]),
    failure: orNull(Type.String({ description: 'What the last check failed with' })),
    slots: Whole,
    running: Whole,
    peak: orNull(
      Type.Integer({
        minimum: 0,
        description: 'The most it ran at once by its own count, those that still run among them',
      }),
    ),
    usage: Type.Object({ cpu: Share, memory: Share, disk: Share, slots: Share }, closed),
  },
  closed,
)
export type JobHost = Static<typeof JobHost>

export const JobsAnswer = Type.Object(
  {
    window: Type.Object({ from: Time, until: Time, stepMs: Type.Integer() }, closed),
    at: Type.String({
      format: 'date-time',
      description: 'What ages count from: the end of the window, or now',
    }),
    filter: Type.Object({ queue: orNull(Type.String()), type: orNull(Type.String()) }, closed),
    source: Type.Object(
      { jobs: Count, checks: Count },
      {
        ...closed,
        description: 'Rows of jobs and of status checks that the figures are of, read as they are or as sums',
      },
    ),
    total: JobFigures,
    queues: Type.Array(
      Type.Object(
        {
          queue: Type.String(),
          ...figures,
          state: Type.Union([QueueState, Type.Null()], {
            description: 'From the last status check that said it; null: none did',
          }),
          checks: Checks,
        },
        closed,
      ),
      { description: 'Those with the most jobs first; those that only status checks know last. At most 50' },
    ),
    types: Type.Array(Type.Object({ queue: Type.String(), type: Type.String(), ...figures }, closed), {
      description: 'The most frequent first',
    }),
    steps: Type.Array(
      Type.Object(
        {
          start: Time,
          count: Count,
          completed: Count,
          failed: Count,
          averageMs: Type.Number({ minimum: 0 }),
          launchMs: Milliseconds,
        },
        closed,
      ),
      { description: 'Ascending; steps without a job are left out' },
    ),
    hosts: Type.Array(JobHost, { description: 'Processes that check, the last one first; at most 100' }),
    ...cutFields,
  },
  closed,
)
export type JobsAnswer = Static<typeof JobsAnswer>
