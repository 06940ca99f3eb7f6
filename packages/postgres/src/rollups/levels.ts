/** Minutes are summed up from rows, hours from minutes, days (UTC) from hours. */
export const levels = {
  hour: { level: 'h', from: 'm', span: '1 hour' },
  day: { level: 'd', from: 'h', span: '24 hours' },
} as const

export type Level = (typeof levels)[keyof typeof levels]

/** Error types that a row of sums lists; the failures of the rest are one number. */
export const maxErrorTypes = 20

/** Users that one row of sums lists; more of them go into further rows. */
export const usersPerRow = 10_000
