import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from '../errors.js'

interface UntilOptions {
  /** What is waited for, as the error says it: "the row of order-4711". */
  what: string
  /** Default 30,000. */
  deadlineMs?: number
  /** Pause between two checks. Default 100. */
  everyMs?: number
  signal?: AbortSignal | undefined
}

/**
 * Calls `check` until it gives something truthy and returns that. A check that throws counts as "not yet" (a store that is
 * still starting refuses connections). After the deadline: `TL_WAIT_TIMEOUT` with what was waited for and the last answer.
 */
export async function until<T>(
  check: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const { what, deadlineMs = 30_000, everyMs = 100, signal } = options
  const deadline = Date.now() + deadlineMs
  let last: unknown
  for (;;) {
    signal?.throwIfAborted()
    try {
      last = await check()
      if (last) return last as Exclude<T, false | null | undefined | 0 | ''>
    } catch (error) {
      last = error
    }
    if (Date.now() >= deadline)
      throw new CliError(
        'TL_WAIT_TIMEOUT',
        `Waited ${(deadlineMs / 1000).toFixed(1)} s for ${what}. Last answer: ${describe(last)}`,
        last instanceof Error ? { cause: last } : undefined,
      )
    await delay(everyMs, undefined, signal ? { signal } : undefined)
  }
}

function describe(value: unknown): string {
  if (value instanceof Error)
    return value.cause instanceof Error ? `${value.message}: ${value.cause.message}` : value.message
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
