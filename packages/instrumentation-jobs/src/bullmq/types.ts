/** What is used of a job of BullMQ, written down here so that users of other queues need not have the library. */
export interface BullmqJob {
  id?: string | undefined
  name: string
  /** Unix time of `add`, ms. */
  timestamp: number
  attemptsMade: number
  stalledCounter?: number
  finishedOn?: number | undefined
  /** Of the scheduler that made it. */
  repeatJobKey?: string | undefined
  opts?: { delay?: number; telemetry?: { metadata?: string; omitContext?: boolean } }
}
