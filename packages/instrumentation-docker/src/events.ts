import type { Engine } from './engine.js'
import type { Fleet } from './fleet.js'
import type { Health } from './health.js'
import type { Settings } from './options.js'
import type { JobTypes } from './types.js'

/*
 * Which containers run. The engine tells their starts and ends; its list corrects what was missed.
 *
 *   connect   ping (its clock) → events since the last one known → list
 *   follow    each event; the list again every `resyncMs`
 *   broken    wait 250 ms, twice as long each time, at most `maxRetryMs`; connect
 *
 * No hole: the stream begins before the list is asked, and with `since`, as the engine sends its head a moment before it listens. Events that
 * come twice are known by time, action and container. There is no `until`: with it the engine leaves out the last second.
 * An engine repeats its last 256 events, and after a restart none: what ended meanwhile is found by comparing with the list, and is inspected.
 */
export interface Follower {
  close(): void
}

const FIRST_RETRY_MS = 250
/** Four times what an engine repeats. */
const MAX_KNOWN = 1_024

interface EngineEvent {
  Type?: string
  Action?: string
  timeNano?: number
  Actor?: { ID?: string; Attributes?: Record<string, string> }
}

interface Listed {
  Id?: string
  /** Seconds since 1970, of the engine's clock. */
  Created?: number
  Labels?: Record<string, string>
}

export function followEngine(
  engine: Engine,
  fleet: Fleet,
  health: Health,
  types: JobTypes,
  settings: Settings,
): Follower {
  const { events, stats } = health.counts
  const labelled = settings.all ? {} : { label: [settings.label] }
  const known = new Set<string>()
  let closed = false
  let lastNano: number | undefined
  /** Engine's clock at the last list: what was created later has started in our time. */
  let lastSync: number | undefined
  let syncing: Promise<void> | undefined
  const pauses = new Set<() => void>()

  function onLine(line: string): void {
    let event: EngineEvent
    try {
      event = JSON.parse(line) as EngineEvent
    } catch {
      health.failed('invalid', 'a line of the events is no JSON')
      return
    }
    const id = event?.Actor?.ID
    if (event?.Type !== 'container' || typeof id !== 'string') return
    const key = `${event.timeNano} ${event.Action} ${id}`
    if (known.has(key)) return
    known.add(key)
    if (known.size > MAX_KNOWN) for (const oldest of known) if (known.delete(oldest)) break
    if (typeof event.timeNano === 'number') lastNano = Math.max(lastNano ?? 0, event.timeNano)
    const attributes = event.Actor?.Attributes
    if (event.Action === 'start') fleet.runs(id, types.of(attributes), true)
    else if (event.Action === 'die') fleet.ended(id, exitCodeOf(attributes))
    else if (event.Action === 'oom') fleet.killedForMemory(id, types.of(attributes))
  }

  /** One at a time; who asks while one is under way gets that one. */
  function resync(): Promise<void> {
    syncing ??= compare().finally(() => {
      syncing = undefined
    })
    return syncing
  }

  async function compare(): Promise<void> {
    const asked = performance.now()
    const clock = await engine.clock()
    const listed = await engine.ask('/containers/json', { filters: labelled })
    if (!Array.isArray(listed)) return health.failed('invalid', 'the list of containers is no list')
    const there = new Set<string>()
    stats.skipped = 0
    for (const entry of listed as (Listed | null)[]) {
      const { Id: id, Created: created, Labels: labels } = entry ?? {}
      if (typeof id !== 'string') continue
      there.add(id)
      // One that has ended since the question stands in the answer still.
      if (fleet.changedSince(id, asked)) continue
      fleet.runs(id, types.of(labels), lastSync !== undefined && (created ?? 0) >= lastSync)
    }
    lastSync = clock
    for (const id of [...fleet.running.keys()])
      if (!there.has(id) && !fleet.changedSince(id, asked)) await lookAfter(id)
    events.resyncs += 1
    health.confirmed()
  }

  /** A container that we thought was running, and is not. */
  async function lookAfter(id: string): Promise<void> {
    const inspected = (await engine.ask(`/containers/${id}/json`)) as
      | { State?: { Running?: boolean; ExitCode?: number; OOMKilled?: boolean } }
      | undefined
    const container = fleet.running.get(id)
    if (container === undefined || inspected?.State?.Running === true) return
    if (inspected === undefined) events.vanished += 1
    if (inspected?.State?.OOMKilled === true && container.oomKills === 0)
      fleet.killedForMemory(id, container.type)
    fleet.ended(id, inspected?.State?.ExitCode)
  }

  /** The first list of a connection is needed: it is asked for until it comes, or the connection ends. */
  async function catchUp(onConnected: () => void): Promise<void> {
    const connection = events.connects
    while (!closed && events.following && connection === events.connects) {
      try {
        await resync()
        onConnected()
        return
      } catch {
        await pause(FIRST_RETRY_MS)
      }
    }
  }

  async function follow(onConnected: () => void): Promise<void> {
    const since = lastNano === undefined ? await engine.clock() : Math.floor(lastNano / 1e9) - 1
    const filters = { type: ['container'], event: ['start', 'die', 'oom'], ...labelled }
    const opened = () => {
      events.following = true
      events.connects += 1
      void catchUp(onConnected)
    }
    await engine.follow('/events', { since, filters }, opened, onLine).finally(() => {
      events.following = false
    })
  }

  async function run(): Promise<void> {
    let delay = FIRST_RETRY_MS
    while (!closed) {
      try {
        if (settings.events) {
          await follow(() => {
            delay = FIRST_RETRY_MS
          })
          // The engine ended the stream by itself: it stops.
        } else {
          await resync()
          delay = settings.stats?.intervalMs ?? settings.resyncMs
        }
      } catch {
        // Told and counted where it was met.
      }
      if (closed) return
      // A quarter more or less: many services must not ask a new engine at the same moment.
      await pause(delay * (0.75 + Math.random() / 2))
      if (settings.events) delay = Math.min(delay * 2, settings.maxRetryMs)
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        pauses.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      timer.unref()
      pauses.add(end)
    })
  }

  const timer = setInterval(() => {
    if (events.following) resync().catch(() => {})
  }, settings.resyncMs)
  timer.unref()
  void run()
  return {
    close() {
      closed = true
      clearInterval(timer)
      for (const end of pauses) end()
    },
  }
}

function exitCodeOf(attributes: Record<string, string> | undefined): number | undefined {
  const code = Number(attributes?.exitCode)
  return Number.isInteger(code) ? code : undefined
}
