import { get } from './http-post.js'
import type { Range } from './ranges.js'

/** Asks a recorder which records of an instance behind number `after` are in Postgres: merged ranges, ascending. Rejects when it cannot say. */
export type Ask = (instance: string, after: number) => Promise<Range[]>

/** An answer has 1,000 ranges at most, and says so. 100 answers: 100,000 gaps, more than a spool has requests. */
const MOST_ANSWERS = 100

export function createAsk(options: { url: string; token: string | undefined; timeoutMs: number }): Ask {
  const { url, timeoutMs } = options
  const headers: Record<string, string> =
    options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
  return async (instance, after) => {
    const all: Range[] = []
    for (let from = after, i = 0; i < MOST_ANSWERS; i += 1) {
      const { status, body } = await get(`${url}?instance=${instance}&after=${from}`, headers, timeoutMs)
      if (status !== 200) throw new Error(reason(status, body))
      const { ranges, truncated } = parse(body)
      all.push(...ranges)
      from = ranges.at(-1)?.[1] ?? from
      if (!truncated || ranges.length === 0) break
    }
    return all
  }
}

function reason(status: number, body: string): string {
  const hint =
    status === 401 || status === 403
      ? '; recorderToken (THROUGHLINE_RECORDER_TOKEN) is the place for one'
      : ''
  return `it answered ${status}: ${body.slice(0, 200)}${hint}`
}

function parse(body: string): { ranges: Range[]; truncated: boolean } {
  const { ranges, truncated } = JSON.parse(body) as { ranges?: unknown; truncated?: unknown }
  const isRange = (one: unknown): one is Range =>
    Array.isArray(one) && one.length === 2 && one.every((each) => Number.isSafeInteger(each))
  if (!Array.isArray(ranges) || !ranges.every(isRange)) throw new Error('its answer has no ranges')
  return { ranges, truncated: truncated === true }
}
