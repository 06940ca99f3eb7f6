/** What is used of a job of pg-boss, written down here so that users of other queues need not have the library. */
export interface PgBossJob {
  id: string
  name: string
  data: unknown
  expireInSeconds?: number
  retryCount?: number
  signal?: AbortSignal
  /** These two only with `includeMetadata`. */
  createdOn?: Date
  startAfter?: Date
}
