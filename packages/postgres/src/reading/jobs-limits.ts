/** Jobs that are read from their rows for one answer at most, the newest: some three seconds of one processor. */
export const maxRows = 100_000
/** Jobs whose spans are put in order for one answer, the newest: 32 MB, and a second of one processor. */
export const maxSpans = 2_000_000
/** Status checks are the present: the newest ones, of the last day of the window. */
export const maxChecks = 20_000
export const checkHours = 24
export const maxQueues = 50
export const maxHosts = 100
/** Types of errors that are told apart over all queues. */
export const maxErrors = 100
/** Whether jobs that began before the window reach into it is looked up among those of so many hours. */
export const reachHours = 24
