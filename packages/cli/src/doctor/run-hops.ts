import { setTimeout as delay } from 'node:timers/promises'
import { failed, type Hop, type HopName, type Outcome, type Result, stopsAt } from './hop.js'

/**
 * Runs every hop as soon as those before it are through, side by side where they do not need one another, and hands the results over in the
 * order of the hops, each as soon as it and all above it are known. No hop takes longer than its deadline, and none can throw.
 */
export async function runHops(
  hops: readonly Hop[],
  onResult: (result: Result) => void,
): Promise<readonly Result[]> {
  const running = new Map<HopName, Promise<Result>>()
  for (const hop of hops) running.set(hop.name, examine(hop, running))
  const results: Result[] = []
  for (const result of running.values()) {
    const known = await result
    results.push(known)
    onResult(known)
  }
  return results
}

async function examine(hop: Hop, running: ReadonlyMap<HopName, Promise<Result>>): Promise<Result> {
  const { name, title, group, needs = [], after = [], deadlineMs } = hop
  const known = await Promise.all([...needs, ...after].map((one) => running.get(one)))
  const before = (wanted: HopName) => known.find((one) => one?.name === wanted)
  const began = performance.now()
  // A hop that was left out of this run says nothing against those behind it.
  const stopped = needs.map((one) => stopsAt(before(one))).find((one) => one !== undefined)
  const outcome = stopped ?? (await within(hop, deadlineMs, before))
  return { name, title, group, ...outcome, tookMs: performance.now() - began }
}

async function within(
  hop: Hop,
  deadlineMs: number,
  before: (name: HopName) => Result | undefined,
): Promise<Outcome> {
  const over = new AbortController()
  const late = delay(deadlineMs, undefined, { signal: over.signal, ref: false }).then(() =>
    failed(
      `no answer within ${(deadlineMs / 1_000).toFixed(1)} s`,
      'throughline doctor --timeout 30s, to see whether it is only slow',
    ),
  )
  late.catch(() => {})
  try {
    return await Promise.race([hop.run(over.signal, before), late])
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error), 'throughline doctor --json')
  } finally {
    over.abort()
  }
}
