import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createAsk } from '../confirm-request.js'
import { createNotices } from '../notices.js'
import { readConfig, type StartOptions } from '../options.js'
import { identify } from '../otel/resource.js'
import { createShipper } from '../shipper.js'
import { OPERATIONS_SCOPE } from '../version.js'
import { inspectSpool, type SpoolFile } from './inspect.js'
import { openSpool } from './spool.js'

export interface Drained {
  /** Whether every record that waited at the beginning has left the spool. */
  readonly done: boolean
  /** Records that wait now. */
  readonly left: number
}

const LOOK_MS = 200

/**
 * Brings out what waits in a spool folder: takes over what dead instances left and sends it as `start` with these options would (the
 * environment counts too), and waits for living ones to send theirs. For the end of a container, or of a machine. Ends after `timeoutMs`.
 * @throws SdkError for a wrong option.
 */
export async function drainSpool(
  options: Pick<
    StartOptions,
    'endpoint' | 'recorderUrl' | 'recorderToken' | 'headers' | 'confirm' | 'confirmTimeoutMs' | 'log'
  > & { spoolDir: string; timeoutMs: number },
): Promise<Drained> {
  const { timeoutMs, ...rest } = options
  const config = readConfig(rest)
  const deadline = performance.now() + timeoutMs
  const wanted = await inspectSpool(config.spoolDir)
  if (!wanted.some(isPending)) return { done: true, left: 0 }
  const notices = createNotices(config.log)
  const { instance, encoded } = identify(config, randomUUID())
  const spool = await openSpool({
    dir: config.spoolDir,
    instance,
    resource: encoded,
    maxBytes: Number.MAX_SAFE_INTEGER,
    durability: 'process',
    notices,
  })
  const shipper = createShipper({
    spool,
    instance,
    url: config.tracesUrl,
    headers: config.tracesHeaders,
    timeoutMs: config.tracesTimeoutMs,
    scope: OPERATIONS_SCOPE,
    notices,
    confirm: config.confirm && {
      ask: createAsk({ ...config.confirm, timeoutMs: config.tracesTimeoutMs }),
      timeoutMs: config.confirm.timeoutMs,
    },
  })
  try {
    let done = false
    while (!done && performance.now() < deadline) {
      await spool.adopt()
      const ms = Math.min(deadline - performance.now(), LOOK_MS)
      await shipper.flush(Math.max(0, ms))
      done = remaining(wanted, await inspectSpool(config.spoolDir)) === 0
      if (!done) await pause(Math.min(LOOK_MS, Math.max(0, deadline - performance.now())))
    }
    const now = await inspectSpool(config.spoolDir)
    return { done, left: now.filter(isPending).reduce((sum, one) => sum + one.records, 0) }
  } finally {
    shipper.close()
    await spool.close()
  }
}

function isPending({ kind, records }: SpoolFile): boolean {
  return kind === 'pending' && records > 0
}

/** How many of the numbers that were wanted wait still. */
function remaining(wanted: readonly SpoolFile[], now: readonly SpoolFile[]): number {
  let sum = 0
  for (const one of wanted.filter(isPending))
    for (const other of now.filter((each) => isPending(each) && each.instance === one.instance))
      for (const [lo, hi] of one.ranges)
        for (const [from, to] of other.ranges) {
          const overlap = Number(lesser(hi, to) - greater(lo, from)) + 1
          if (overlap > 0) sum += overlap
        }
  return sum
}

// `Math.min` and `Math.max` take no bigint.
function lesser(a: bigint, b: bigint): bigint {
  if (a < b) return a
  return b
}

function greater(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}
