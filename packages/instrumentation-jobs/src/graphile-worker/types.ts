/** What is used of a job of Graphile Worker, written down here so that users of other queues need not have the library. */
export interface GraphileJob {
  id: string
  task_identifier: string
  /** The try that runs counts. */
  attempts: number
  max_attempts: number
  /** When it was due; a retry moves it on. */
  run_at: Date
  flags: Record<string, true> | null
}
