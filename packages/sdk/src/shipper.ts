import { encodeTraces } from '@throughline/otlp'
import { createConfirmer } from './confirm.js'
import type { Ask } from './confirm-request.js'
import { type Answer, post } from './http-post.js'
import type { Notices } from './notices.js'
import type { Batch, Segment } from './spool/segment.js'
import type { Spool } from './spool/spool.js'

/*
 * The shipper brings the spool's records to the Collector (or, in direct mode, to the recorder), one request at a time, oldest first.
 *
 * idle       Nothing to send. Left by `wake`: to gathering.
 * gathering  A record came: 100 ms are given to others to join its request. Then: sending.
 * sending    One request is under way, at most 1 MiB of records, at most 10 s. 2xx: taken, and sending again while there is
 *            256 KiB or somebody flushes; gathering if there is less; else idle. 400, 413: the request is halved until the culprit is alone,
 *            which is then quarantined. Anything else, 401 and 403 among it, keeps the records: waiting.
 * waiting    0.1 s, doubled to at most 5 s, half of it random; or as long as Retry-After says, at most 30 s, and up to a tenth more, so that
 *            those who were sent away together do not come back together. Then: sending. Never given up.
 * closed     After `close`. What is not sent stays in the spool.
 *
 * Taken records are acknowledged in the spool at once, or, where a recorder confirms, when it has them (confirm.ts); what it does not confirm
 * in time is readable again, and so sent again.
 */

/** Stays below the Collector's 4 MiB and the recorder's 16 MiB. */
const REQUEST_BYTES = 2 ** 20
const GATHER_MS = 100
/** Under steady traffic a few records come during each request: sent at once they would make it many small ones. */
const GATHER_BYTES = 2 ** 18
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000
const LONGEST_RETRY_AFTER_MS = 30_000

export interface Shipper {
  /** Something was appended. */
  wake(): void
  /** Sends without gathering or waiting; true when everything appended before is acknowledged within `timeoutMs`. */
  flush(timeoutMs: number): Promise<boolean>
  close(): void
  counts(): Readonly<ShipperCounts>
}

export interface ShipperCounts {
  requests: number
  failures: number
  /** Taken by the receiver, each time that they were. */
  records: number
  /** Taken, and waiting for the recorder to confirm them. */
  unconfirmed: number
  /** Taken, not confirmed, and sent again. */
  repeated: number
}

interface ShipperOptions {
  readonly spool: Spool
  readonly url: string
  readonly headers: Record<string, string>
  /** For one request. Default 10 s. */
  readonly timeoutMs?: number
  readonly scope: { name: string; version: string }
  readonly notices: Notices
  /** This instance: its own records cannot be known to a recorder before they were sent. */
  readonly instance: string
  /** Who confirms, and how long it may take. Without it a 2xx is enough. */
  readonly confirm?: { readonly ask: Ask; readonly timeoutMs: number } | undefined
}

export function createShipper(options: ShipperOptions): Shipper {
  const { spool, url, headers, scope, notices, timeoutMs: requestTimeoutMs = 10_000, instance } = options
  const counts = { requests: 0, failures: 0, records: 0 }
  let state: 'idle' | 'gathering' | 'sending' | 'waiting' | 'closed' = 'idle'
  let timer: NodeJS.Timeout | undefined
  let waitMs = FIRST_WAIT_MS
  let maxBytes = REQUEST_BYTES
  let waiting: { reached: () => boolean; tell: () => void }[] = []
  const confirmer =
    options.confirm &&
    createConfirmer({
      ...options.confirm,
      notices,
      hurried: () => waiting.length > 0,
      onConfirmed: settled,
      onRepeat: wake,
    })

  function later(next: 'gathering' | 'waiting', ms: number): void {
    state = next
    timer = setTimeout(() => void send(), ms)
    timer.unref()
  }

  async function send(): Promise<void> {
    if (state === 'closed' || state === 'sending') return
    clearTimeout(timer)
    state = 'sending'
    try {
      await sendAll()
    } catch (error) {
      // A disk that does not read, for example; nothing of it may end the process.
      if (isClosed()) return
      notices.note('internal_error', `shipper: ${message(error)}`)
      later('waiting', backoff())
    }
  }

  async function sendAll(): Promise<void> {
    let delivered = false
    for (;;) {
      const segment = spool.readable()
      if (segment === undefined) break
      const batch = nextOf(segment)
      if (batch === undefined) {
        spool.tidy()
        continue
      }
      if (segment.instance !== instance && (await confirmer?.known(segment, batch))) {
        settled()
        continue
      }
      if (isClosed()) return
      if (delivered && waiting.length === 0 && bytesOf(batch) < Math.min(GATHER_BYTES, maxBytes / 2)) {
        later('gathering', GATHER_MS)
        return
      }
      const before = counts.records
      const wait = await deliver(segment, batch)
      if (isClosed()) return
      if (wait !== undefined) {
        later('waiting', wait)
        return
      }
      delivered = counts.records > before
    }
    state = 'idle'
    settled()
  }

  function nextOf(segment: Segment): Batch | undefined {
    try {
      return segment.next(maxBytes)
    } catch (error) {
      // EIO, say: those behind it need not wait.
      notices.note('spool_damaged', `a segment cannot be read now: ${message(error)}`)
      spool.setAside(segment)
      return undefined
    }
  }

  /** Something was acknowledged. */
  function settled(): void {
    if (isClosed()) return
    spool.tidy()
    tellReached()
  }

  function tellReached(): void {
    const reached = waiting.filter((one) => one.reached())
    waiting = waiting.filter((one) => !reached.includes(one))
    for (const one of reached) one.tell()
  }

  function isClosed(): boolean {
    return state === 'closed'
  }

  /** Undefined when the batch is done with; else how long to wait before it is tried again. */
  async function deliver(segment: Segment, batch: Batch): Promise<number | undefined> {
    counts.requests += 1
    let answer: Answer
    try {
      const body = encodeTraces({ resource: segment.resource, scope, spans: batch.payloads })
      answer = await post(url, body, headers, requestTimeoutMs)
    } catch (error) {
      counts.failures += 1
      notices.note('ship_refused', `${url}: ${message(error)}; kept, and tried again`)
      return backoff()
    }
    if (isClosed()) return undefined
    if (answer.status >= 200 && answer.status < 300) {
      take(segment, batch)
      counts.records += batch.payloads.length
      waitMs = FIRST_WAIT_MS
      maxBytes = Math.min(REQUEST_BYTES, maxBytes * 2)
      return undefined
    }
    counts.failures += 1
    notices.note(
      'ship_refused',
      `${url} answered ${answer.status}${hint(answer.status)}: ${answer.body.slice(0, 200)}`,
    )
    if (answer.status === 400 || answer.status === 413) return halve(segment, batch)
    return answer.retryAfterMs === undefined
      ? backoff()
      : Math.min(answer.retryAfterMs, LONGEST_RETRY_AFTER_MS) * (1 + Math.random() / 10)
  }

  /** A refused request is cut in two until one record is alone; that one can never be delivered. */
  function halve(segment: Segment, batch: Batch): undefined {
    if (batch.payloads.length === 1) {
      spool.quarantine(segment, batch.payloads[0]!, batch.seqs[0]!)
      if (confirmer === undefined) acknowledge(segment, batch)
      else if (segment.take(batch)) confirmer.passed(segment, batch)
    } else {
      maxBytes = Math.max(1, Math.floor(bytesOf(batch) / 2))
    }
    return undefined
  }

  function take(segment: Segment, batch: Batch): void {
    if (confirmer === undefined) acknowledge(segment, batch)
    else if (segment.take(batch)) confirmer.took(segment, batch)
  }

  function acknowledge(segment: Segment, batch: Batch): void {
    try {
      segment.acknowledge(batch.end)
    } catch (error) {
      // The position stands in memory; only a restart would send the batch again, and the row's key absorbs that.
      notices.note('spool_write_failed', `acknowledge: ${message(error)}`)
    }
    settled()
  }

  function backoff(): number {
    const ms = waitMs / 2 + (Math.random() * waitMs) / 2
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    return ms
  }

  function wake(): void {
    if (state === 'idle') later('gathering', GATHER_MS)
  }

  return {
    wake,
    async flush(timeoutMs) {
      const reached = spool.mark()
      if (reached() || state === 'closed') return reached()
      await new Promise<void>((resolve) => {
        const one = { reached, tell: finished }
        // Holds the process: an exit waits for it.
        const deadline = setTimeout(finished, timeoutMs)
        function finished(): void {
          clearTimeout(deadline)
          waiting = waiting.filter((other) => other !== one)
          resolve()
        }
        waiting.push(one)
        confirmer?.hurry()
        void send()
      })
      return reached()
    },
    close() {
      state = 'closed'
      clearTimeout(timer)
      confirmer?.close()
    },
    counts: () => ({ ...counts, ...(confirmer?.counts() ?? { unconfirmed: 0, repeated: 0 }) }),
  }
}

function bytesOf(batch: Batch): number {
  return batch.payloads.reduce((sum, payload) => sum + payload.byteLength, 0)
}

function hint(status: number): string {
  if (status === 401 || status === 403)
    return ' (its token is missing, wrong or not allowed here); kept, and tried again'
  return status === 400 || status === 413 ? '' : '; kept, and tried again'
}

function message(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
