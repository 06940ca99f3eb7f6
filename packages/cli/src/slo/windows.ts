/**
 * Two windows an alert: the long one says that it matters, the short one that it goes on. `times` is how many times faster than even the
 * error budget goes: at 14.4 an hour uses 2 % of what is meant for thirty days, at 6 six hours 5 %, at 3 and at 1 a day and three days 10 %.
 */
export const burns = [
  { times: 14.4, long: '1h', short: '5m', severity: 'critical' },
  { times: 6, long: '6h', short: '30m', severity: 'critical' },
  { times: 3, long: '1d', short: '2h', severity: 'warning' },
  { times: 1, long: '3d', short: '6h', severity: 'warning' },
] as const

/** Every window of them, ascending. */
export const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const

export type WindowName = (typeof windows)[number]

export const seconds: Record<WindowName, number> = {
  '5m': 300,
  '30m': 1_800,
  '1h': 3_600,
  '2h': 7_200,
  '6h': 21_600,
  '1d': 86_400,
  '3d': 259_200,
}

/** As many operations must have missed in the long window: of three calls at night one that fails is 33 %, and no reason to wake anybody. */
export const LEAST_MISSED = 5
