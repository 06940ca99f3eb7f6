import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Journal } from './journal.js'

/** A service that callers ask. `generation` counts its starts and stops: an answer may stay out only while it changed. */
export interface Callee {
  readonly url: string
  readonly generation: number
}

export interface LoadOptions {
  readonly callees: readonly Callee[]
  readonly journal: Journal
  /** Operations a second of all callers together, about. */
  readonly rate: number
  /** Operations of one request. Default 5. */
  readonly batch?: number
  /** Callers of each service. Default 3. */
  readonly callers?: number
  /** How long an answer may take, in ms. Default 10,000. */
  readonly timeoutMs?: number
}

export interface Load {
  stop(): Promise<LoadResult>
}

export interface LoadResult {
  /** Time of each answered request, in ms. */
  readonly timesMs: readonly number[]
  /** Requests that a living service did not answer in time. */
  readonly hung: number
  /** Requests that broke off since their service was ended. */
  readonly broken: number
}

export function startLoad(options: LoadOptions): Load {
  const { callees, journal, rate, batch = 5, callers = 3, timeoutMs = 10_000 } = options
  const agent = new Agent({ keepAlive: true })
  const ended = new AbortController()
  const timesMs: number[] = []
  let hung = 0
  let broken = 0
  const everyMs = (1_000 * batch * callers * callees.length) / rate

  async function caller(callee: Callee): Promise<void> {
    // The first of each at another time, so that they do not go in step.
    let due = performance.now() + (everyMs * timesMs.length) / (callers * callees.length)
    while (!ended.signal.aborted) {
      const generation = callee.generation
      const numbers = Array.from({ length: batch }, () => journal.ask())
      const began = performance.now()
      const how = await ask(callee.url, numbers)
      if (how === 'answered') timesMs.push(performance.now() - began)
      else if (how === 'refused') {
        for (const number of numbers) journal.withdraw(number)
        await delay(20)
      } else if (how === 'late' && generation === callee.generation) hung += 1
      else broken += 1
      due = Math.max(due + everyMs, performance.now() - everyMs)
      const waitMs = due - performance.now()
      if (waitMs > 0) await delay(waitMs, undefined, { signal: ended.signal }).catch(() => {})
    }
  }

  function ask(url: string, numbers: number[]): Promise<'answered' | 'broken' | 'refused' | 'late'> {
    return new Promise((resolve) => {
      const body = JSON.stringify({ prefix: journal.prefix, first: numbers[0], count: numbers.length })
      let reused = false
      const call = request(url, { method: 'POST', agent, timeout: timeoutMs })
      call.on('timeout', () => {
        resolve('late')
        call.destroy()
      })
      call.on('socket', () => {
        reused = call.reusedSocket
      })
      call.on('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ECONNREFUSED' && !reused ? 'refused' : 'broken'),
      )
      call.on('response', (response) => {
        let rest = ''
        response.setEncoding('utf8')
        response.on('data', (text: string) => {
          const lines = (rest + text).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) if (line !== 'end') journal.completed(Number(line))
        })
        response.on('error', () => resolve('broken'))
        response.on('end', () => resolve(response.complete ? 'answered' : 'broken'))
        response.on('close', () => resolve('broken'))
      })
      call.end(body)
    })
  }

  const running = callees.flatMap((callee) => Array.from({ length: callers }, () => caller(callee)))
  return {
    async stop() {
      ended.abort()
      await Promise.all(running)
      agent.destroy()
      return { timesMs, hung, broken }
    },
  }
}

/** The time that `share` of all stayed below. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
