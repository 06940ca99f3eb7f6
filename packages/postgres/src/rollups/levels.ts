/**
 * Minutes are summed up from rows, fives and hours from minutes, days (UTC) from hours, weeks from days. Five minutes
 * are kept of the operations alone: their histograms are what a picture of a day is made of, and the edges of a window.
 * Weeks are kept of the users alone: who is different over a month is the one thing that does not add up.
 */
export const levels = {
  five: { level: 'f', span: '5 minutes', from: { operations: 'm' } },
  hour: {
    level: 'h',
    span: '1 hour',
    from: { operations: 'f', business: 'm', versionValues: 'm', users: 'm' },
  },
  day: {
    level: 'd',
    span: '24 hours',
    from: { operations: 'h', business: 'h', versionValues: 'h', users: 'h' },
  },
  week: { level: 'w', span: '168 hours', from: { users: 'd' } },
} as const

export type Level = (typeof levels)[keyof typeof levels]

/** Grains of `rollup_operations`: each operation, each service and version, each version, all. */
export type Grain = 'o' | 's' | 'v' | 'a'

/** So that the index is used of whichever grain. */
export const everyGrain = `grain IN ('o', 's', 'v', 'a')`

/** Error types that a row of sums lists; the failures of the rest are one number. */
export const maxErrorTypes = 20

/** Users that one row of sums lists; more of them go into further rows. */
export const usersPerRow = 10_000
