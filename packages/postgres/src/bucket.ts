import { hash } from 'node:crypto'

/**
 * The first 10 bits of md5 of the correlation ID (0 to 1023): a stable sample of requests, whole requests at a time.
 * The same number as `throughline.bucket(text)` in SQL. md5 because Postgres has it without an extension.
 */
export const bucketOf = (correlationId: string): number =>
  Number.parseInt(hash('md5', correlationId).slice(0, 3), 16) >> 2
