import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { type Dial, type DialOptions, type Modem, untraced } from './client.js'
import { cutError } from './cut-answers.js'
import { type Health, stateAfter } from './health.js'

/*
 * Our own calls of the engine: over the same client with its address, TLS and agent, past the measuring, without spans, each with an end in
 * time and a bound of size. None of them is on the way of the application.
 */

export interface Engine {
  /** The JSON of an answer; undefined for 404. Rejects for any other status, for no answer in time and for an answer that is no JSON. */
  ask(path: string, query?: Record<string, unknown>): Promise<unknown>
  /** The engine's clock in seconds, from the header of a ping. Rejects if what answers is no Docker engine. */
  clock(): Promise<number>
  /** A stream of lines: `onLine` for each; settles when it has ended, rejects if it broke. `opened` after the head. */
  follow(
    path: string,
    query: Record<string, unknown>,
    opened: () => void,
    onLine: (line: string) => void,
  ): Promise<void>
  /** Ends what is under way. */
  close(): void
}

/** The list of 10,000 containers with their labels has some 10 MB. */
const MAX_BODY = 32 * 1024 * 1024
/** An event has a few hundred bytes, and the labels of its container. */
const MAX_LINE = 1024 * 1024

interface Answer {
  statusCode?: number
  headers: Record<string, string | string[] | undefined>
  on(event: 'data', listener: (chunk: Buffer) => void): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'end' | 'close', listener: () => void): this
  destroy(error?: Error): void
}

/** Whatever the status, the client hands the answer over instead of reading the body of a failure without a bound. */
const ANY_STATUS: Record<string, unknown> = new Proxy({}, { get: () => true })
const QUIET = untraced(ROOT_CONTEXT)

export function createEngine(modem: Modem, dial: Dial, health: Health, timeoutMs: number): Engine {
  const underWay = new Set<AbortController>()
  let closed = false

  /** Hands the open answer to `read`; the time runs until `inTime` is called or `read` settles. */
  async function exchange<T>(
    path: string,
    query: Record<string, unknown>,
    read: (answer: Answer, inTime: () => void) => Promise<T>,
  ): Promise<T> {
    if (closed) throw new Error('closed')
    const controller = new AbortController()
    underWay.add(controller)
    let late = false
    const timer = setTimeout(() => {
      late = true
      controller.abort()
    }, timeoutMs)
    timer.unref()
    try {
      const answer = await open(path, query, controller.signal)
      const result = await read(answer, () => clearTimeout(timer))
      health.answered()
      return result
    } catch (thrown) {
      const error = late ? new SlowError(`no answer to ${path} in ${timeoutMs} ms`) : thrown
      const state = error instanceof InvalidError ? 'invalid' : stateAfter(error)
      if (state !== undefined && !closed) health.failed(state, error)
      throw error
    } finally {
      clearTimeout(timer)
      underWay.delete(controller)
    }
  }

  function open(path: string, query: Record<string, unknown>, abortSignal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options: DialOptions = {
        path: `${path}?`,
        method: 'GET',
        isStream: true,
        options: query,
        statusCodes: ANY_STATUS,
        abortSignal,
      }
      // The client forgets to call back when it cannot find its socket; the signal ends that, too.
      abortSignal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
      context.with(QUIET, () =>
        dial.call(modem, options, (error, answer) => {
          if (error) reject(error)
          else if (isAnswer(answer)) resolve(answer)
          else reject(new InvalidError('no answer of HTTP'))
        }),
      )
    })
  }

  return {
    ask: (path, query = {}) =>
      exchange(path, query, async (answer) => {
        const body = await bodyOf(answer)
        if (answer.statusCode === 404) return undefined
        if (answer.statusCode !== 200) throw new InvalidError(`${path} was answered ${answer.statusCode}`)
        return parsed(path, body)
      }),

    clock: () =>
      exchange('/_ping', {}, async (answer) => {
        const body = await bodyOf(answer)
        if (answer.statusCode !== 200 || body.trim() !== 'OK')
          throw new InvalidError(`a ping was answered ${answer.statusCode} ${body.slice(0, 40)}`)
        const date = Date.parse(String(answer.headers.date))
        return Math.floor((Number.isNaN(date) ? Date.now() : date) / 1_000)
      }),

    follow: (path, query, opened, onLine) =>
      exchange(path, query, async (answer, inTime) => {
        if (answer.statusCode !== 200) {
          answer.destroy()
          throw new InvalidError(`${path} was answered ${answer.statusCode}`)
        }
        inTime()
        const lines = readLines(answer, onLine)
        opened()
        await lines
      }),

    close() {
      closed = true
      for (const controller of underWay) controller.abort()
    },
  }
}

class InvalidError extends Error {}

class SlowError extends Error {
  override readonly name = 'TimeoutError'
}

function isAnswer(answer: unknown): answer is Answer {
  return typeof (answer as Answer | undefined)?.on === 'function'
}

function parsed(path: string, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new InvalidError(`${path} was answered with what is no JSON`)
  }
}

function bodyOf(answer: Answer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let whole = false
    answer.on('data', (chunk) => {
      size += chunk.length
      if (size <= MAX_BODY) chunks.push(chunk)
      else answer.destroy(new InvalidError(`an answer of more than ${MAX_BODY} bytes`))
    })
    answer.on('error', reject)
    answer.on('end', () => {
      whole = true
      resolve(Buffer.concat(chunks).toString('utf8'))
    })
    answer.on('close', () => {
      if (!whole) reject(cutError())
    })
  })
}

function readLines(answer: Answer, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest: Buffer[] = []
    let size = 0
    answer.on('data', (chunk) => {
      let from = 0
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
        rest.push(chunk.subarray(from, at))
        const line = Buffer.concat(rest).toString('utf8').trim()
        rest = []
        size = 0
        from = at + 1
        if (line !== '') onLine(line)
      }
      size += chunk.length - from
      if (size > MAX_LINE) answer.destroy(new InvalidError(`a line of more than ${MAX_LINE} bytes`))
      else if (from < chunk.length) rest.push(chunk.subarray(from))
    })
    answer.on('error', reject)
    answer.on('end', resolve)
    answer.on('close', () => reject(cutError()))
  })
}
