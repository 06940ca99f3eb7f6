/**
 * Upper bounds of `throughline.operation.duration`, in seconds; fixed, since a change would break every stored series.
 * From half a millisecond (a cached call) to a minute (the usual limit of a load balancer).
 */
export const DURATION_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]
