import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** One request that was answered: what the caller knows, independent of everything that measures. */
export interface Answered {
  readonly correlationId: string
  readonly status: number
}

/** The caller's own book: what must be found in the stores afterwards. */
export interface Journal {
  readonly answered: Answered[]
  /** Requests whose connection broke: their operations may or may not have completed. */
  readonly broken: string[]
}

/** Each `POST /allocations` that is answered with one of these made two operations: the catalogue's `find` and `autoAllocate`. */
export const OPERATIONS_A_REQUEST = 2
const EXPECTED = new Set([201, 404, 409])

export function emptyJournal(): Journal {
  return { answered: [], broken: [] }
}

/** Sends `count` allocation requests, `concurrency` at a time, and books every answer. */
export async function drive(options: {
  url: string
  count: number
  concurrency?: number
  /** Begins the correlation IDs; unique for each run. */
  prefix: string
  /** Ends the traffic early. */
  signal?: AbortSignal
  journal?: Journal
}): Promise<Journal> {
  const { url, count, concurrency = 8, prefix, signal } = options
  const journal = options.journal ?? emptyJournal()
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  let next = 0
  async function worker(): Promise<void> {
    while (next < count && !signal?.aborted) {
      const number = next
      next += 1
      const correlationId = `${prefix}-${number}`
      try {
        const answer = await post(`${url}/allocations`, orderOf(number), correlationId, agent)
        if (!EXPECTED.has(answer.status))
          throw new Error(`POST /allocations answered ${answer.status}: ${answer.body}`)
        if (answer.correlationId !== correlationId)
          throw new Error(`sent ${correlationId}, answered with ${answer.correlationId}`)
        journal.answered.push({ correlationId, status: answer.status })
      } catch (error) {
        if (!isBroken(error)) throw error
        journal.broken.push(correlationId)
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, worker))
  } finally {
    agent.destroy()
  }
  return journal
}

/** Orders spread over 60 vehicles, ten of which do not exist, and twelve weeks: with a few hundred some find no free dyno. */
function orderOf(number: number): Record<string, unknown> {
  const mixed = Math.imul(number + 1, 2_654_435_761) >>> 0
  const day = new Date(Date.UTC(2027, 0, 4 + (mixed % 84)))
  return {
    vehicleId: 1 + ((mixed >>> 8) % 60),
    from: day.toISOString().slice(0, 10),
    days: 1 + ((mixed >>> 16) % 5),
    userId: `engineer-${(mixed >>> 20) % 25}`,
  }
}

/** The one request that is followed: a vehicle that exists, in a week that nobody else asks for. */
export async function allocateOnce(
  url: string,
  correlationId: string,
  week: number,
): Promise<Answered & { answeredId: string | undefined }> {
  const from = new Date(Date.UTC(2030, 0, 7 + week * 7)).toISOString().slice(0, 10)
  const answer = await post(
    `${url}/allocations`,
    { vehicleId: 7, from, days: 2, userId: 'engineer-1' },
    correlationId,
  )
  return { correlationId, status: answer.status, answeredId: answer.correlationId }
}

/**
 * A request a second until the signal, for an hour at most: something to watch. Orders of all weeks of forty years, so that there is a free
 * dyno as a rule. A service that does not answer, or answers with an error, is part of what there is to see.
 */
export async function trickle(url: string, prefix: string, signal: AbortSignal): Promise<void> {
  for (let number = 0; number < 3_600 && !signal.aborted; number += 1) {
    const order = orderOf(number * 7_919)
    const from = new Date(Date.UTC(2031, 0, 6 + 7 * ((number * 37) % 2_080))).toISOString().slice(0, 10)
    await post(`${url}/allocations`, { ...order, from }, `${prefix}-${number}`).catch(() => {})
    await delay(1_000, undefined, { signal }).catch(() => {})
  }
}

interface PostAnswer {
  status: number
  correlationId: string | undefined
  body: string
}

function post(url: string, body: unknown, correlationId: string, agent?: Agent): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'x-correlation-id': correlationId,
    }
    const call = request(url, {
      method: 'POST',
      headers,
      timeout: 30_000,
      ...(agent === undefined ? {} : { agent }),
    })
    call.on('timeout', () => call.destroy(new Error(`no answer to ${correlationId} in 30 s`)))
    call.on('error', reject)
    call.on('response', (response) => {
      let answer = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        answer += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const echoed = response.headers['x-correlation-id']
        resolve({
          status: response.statusCode ?? 0,
          correlationId: Array.isArray(echoed) ? echoed[0] : echoed,
          body: answer,
        })
      })
    })
    call.end(text)
  })
}

/** The other end went away (it was killed, or is being restarted), which a fault test wants and books. */
function isBroken(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ECONNRESET' || code === 'ECONNREFUSED' || code === 'EPIPE'
}
