import type { Pool } from 'pg'
import { createPartition } from './sql/create-partition.js'

const dayMs = 86_400_000

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

type PartitionOptions = {
  /** How many days after today get their partition now. Default 2: a recorder may be off over a night. */
  aheadDays?: number
}

/**
 * Makes the daily partitions (UTC) from today on, so that no record waits for one. Any number of recorders may do so
 * at once; running it again does nothing. Answers with the days that were made, as `2026-11-21`.
 */
export const ensurePartitions = async (pool: Pool, options: PartitionOptions = {}): Promise<string[]> => {
  const now = Date.now()
  const days = Array.from({ length: (options.aheadDays ?? 2) + 1 }, (_, index) => dayOf(now + index * dayMs))
  return createDays(pool, days)
}

/** The partitions of these start times (microseconds since 1970). The caller has checked them against its window. */
export const partitionsFor = (pool: Pool, startedAtUs: Iterable<bigint>): Promise<string[]> => {
  const days = new Set<string>()
  for (const us of startedAtUs) days.add(dayOf(Number(us / 1000n)))
  return createDays(pool, days)
}

// One transaction a day: a lock that cannot be had for one of them leaves the others made.
const createDays = async (pool: Pool, days: Iterable<string>): Promise<string[]> => {
  const created: string[] = []
  for (const day of days) if (await createPartition(pool, day)) created.push(day)
  return created
}
