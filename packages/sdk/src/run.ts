import { randomUUID } from 'node:crypto'
import type { Resource } from '@opentelemetry/resources'
import { abandonOpen, installRuntime, slot } from '@throughline/core/runtime'
import { createAsk } from './confirm-request.js'
import { SdkError } from './errors.js'
import { watchLifecycle } from './lifecycle.js'
import { createLifecycleRecords, createSequence } from './lifecycle-records.js'
import { createBusinessMetrics } from './metrics/business.js'
import { createMetricsExporter, type ScopeMetrics } from './metrics/exporter.js'
import { createOperationMetrics } from './metrics/operations.js'
import { collectOwn } from './metrics/own.js'
import { openMetricsPage } from './metrics/page.js'
import { createNotices, type Notices } from './notices.js'
import { createOperationsRuntime } from './operations-runtime.js'
import type { Config } from './options.js'
import type { Companion } from './otel/companion.js'
import { listenToOpenTelemetry } from './otel/diagnostics.js'
import type { ContextEntry } from './otel/globals.js'
import { headSampler } from './otel/head-sampler.js'
import { guardProcess } from './otel/propagation.js'
import { readableSpan } from './otel/readable-span.js'
import { identify } from './otel/resource.js'
import { createShipper } from './shipper.js'
import { openSpool } from './spool/spool.js'
import { announce } from './status.js'
import { BUSINESS_SCOPE, OPERATIONS_SCOPE, OWN_SCOPE } from './version.js'

/** How often the folders of dead instances are looked for. */
const ADOPT_EVERY_MS = 30_000

let starting = false

/** A running SDK. */
export interface Throughline {
  /** `service.instance.id`: a UUID made at this start. */
  readonly instance: string
  /** Where the metrics page is, if one was asked for. */
  readonly metricsUrl: string | undefined
  /** Sends everything recorded so far. True when it was all acknowledged within the time (default: `shutdownTimeoutMs`). */
  flush(timeoutMs?: number): Promise<boolean>
  /** Flushes, then ends. What could not be sent in time stays in the spool for the next start. Never rejects. */
  shutdown(timeoutMs?: number): Promise<boolean>
}

/** What runs when `OTEL_SDK_DISABLED` is set. */
export const DISABLED: Throughline = {
  instance: '',
  metricsUrl: undefined,
  flush: () => Promise.resolve(true),
  shutdown: () => Promise.resolve(true),
}

/** The part that differs: an SDK of our own, somebody else's, or parts for one. */
export interface Surroundings {
  /** Whether span processors that are not ours see the operations' spans. */
  readonly spansAreShared: boolean
  /** The context manager, where it is ours and nobody else's. */
  readonly contexts?: ContextEntry | undefined
  companion(resource: Resource, notices: Notices): Promise<Companion>
}

/**
 * Opens the spool and everything that hangs on it, once a process.
 * @throws SdkError `TL_ALREADY_STARTED`, `TL_METRICS_PORT_TAKEN`; then nothing is left running.
 */
export async function run(config: Config, surroundings: () => Surroundings): Promise<Throughline> {
  if (slot.runtime !== undefined || starting)
    throw new SdkError(
      'TL_ALREADY_STARTED',
      `${slot.runtime?.name ?? 'an SDK'} runs already: start it once a process`,
    )
  starting = true
  const undo: (() => unknown)[] = []
  try {
    return await open(config, surroundings(), undo)
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  } finally {
    starting = false
  }
}

/** Pushes onto `undo` how to take back each step, for a start that fails half way. */
async function open(config: Config, around: Surroundings, undo: (() => unknown)[]): Promise<Throughline> {
  const notices = createNotices(config.log)
  const { instance, resource, encoded } = identify(config, randomUUID())
  const spool = await openSpool({
    dir: config.spoolDir,
    instance,
    resource: encoded,
    maxBytes: config.spoolMaxBytes,
    drops: config.spoolDrops,
    durability: config.durability,
    notices,
  })
  undo.push(() => spool.close())
  const shipper = createShipper({
    spool,
    url: config.tracesUrl,
    headers: config.tracesHeaders,
    timeoutMs: config.tracesTimeoutMs,
    scope: OPERATIONS_SCOPE,
    notices,
    instance,
    confirm: config.confirm && {
      ask: createAsk({ ...config.confirm, timeoutMs: config.tracesTimeoutMs }),
      timeoutMs: config.confirm.timeoutMs,
    },
  })
  const sequence = createSequence()
  const records = createLifecycleRecords({
    instance,
    sequence,
    append(payload, seq) {
      spool.append(payload, seq)
      shipper.wake()
    },
  })
  const operations = createOperationMetrics(config.serviceName, notices, config.keepSlow)
  const business = createBusinessMetrics(notices, { temporality: config.temporality })
  const startTimeUnixNano = BigInt(Date.now()) * 1_000_000n
  let companion: Companion | undefined

  /** What is exported and what the page shows differ where the business counts since the last export. */
  function collect(how: 'export' | 'page'): ScopeMetrics[] {
    const times = { startTimeUnixNano, timeUnixNano: BigInt(Date.now()) * 1_000_000n }
    return [
      { scope: OPERATIONS_SCOPE, metrics: operations.collect(times) },
      {
        scope: BUSINESS_SCOPE,
        ...(how === 'export' ? business.export(times) : { metrics: business.collect(times) }),
      },
      { scope: OWN_SCOPE, metrics: collectOwn(times, notices, shipper, spool) },
    ]
  }

  async function collectAll(): Promise<ScopeMetrics[]> {
    const others = (await companion?.collect()) ?? []
    return [...collect('page'), ...others]
  }

  const page =
    config.metricsPort === undefined
      ? undefined
      : await openMetricsPage(config.metricsHost, config.metricsPort, collectAll, notices)
  undo.push(() => page?.close())
  const exporter = createExporter(config, encoded, () => collect('export'), notices)
  undo.push(() => exporter?.close())
  const early = slot.early
  const uninstall = installRuntime(
    createOperationsRuntime({
      serviceName: config.serviceName,
      serviceVersion: config.serviceVersion,
      instance,
      operations,
      business,
      sequence,
      spool,
      shipper,
      notices,
      spansAreShared: around.spansAreShared,
      contexts: around.contexts,
      sample: around.spansAreShared ? undefined : headSampler(config),
      exportSpan: (operation, span) =>
        companion?.exportSpan?.(readableSpan(operation, span, resource, notices)),
      logger: config.logger,
      flush,
    }),
  )
  undo.push(uninstall)
  const stopListening = listenToOpenTelemetry(notices)
  undo.push(stopListening)
  const unguard = guardProcess(config)
  undo.push(unguard)
  const other = await around.companion(resource, notices)
  companion = other
  records.start()
  if (early)
    notices.note(
      'loaded_too_early',
      `${early} was called before the SDK had started, and was not recorded: start with node --import @throughline/sdk/register`,
    )
  for (const name of other.tooEarly)
    notices.note(
      'loaded_too_early',
      `${name} was loaded before the SDK and makes no spans: start with node --import @throughline/sdk/register`,
    )
  for (const warning of config.warnings) config.log(`throughline: ${warning}`)

  async function adopt(): Promise<number> {
    const adopted = await spool.adopt()
    if (adopted > 0) shipper.wake()
    return adopted
  }
  const adopted = await adopt()
  const adopting = setInterval(() => void adopt(), ADOPT_EVERY_MS)
  adopting.unref()

  async function flush(timeoutMs = config.shutdownTimeoutMs): Promise<boolean> {
    let [sent, measured] = [false, false]
    const all = Promise.all([
      shipper.flush(timeoutMs).then((done) => (sent = done)),
      (exporter?.flush(timeoutMs) ?? Promise.resolve(true)).then((done) => (measured = done)),
      companion?.flush(timeoutMs),
    ])
    await within(all, timeoutMs)
    return sent && measured
  }

  let ending: Promise<boolean> | undefined
  function shutdown(timeoutMs = config.shutdownTimeoutMs): Promise<boolean> {
    ending ??= end(timeoutMs)
    return ending
  }

  async function end(timeoutMs: number): Promise<boolean> {
    say()
    clearInterval(adopting)
    exporter?.close()
    abandonOpen()
    const reason = lifecycle.reason() ?? 'shutdown'
    const deadline = performance.now() + timeoutMs
    records.stop(reason)
    let sent = await flush(timeoutMs)
    uninstall()
    unguard()
    // What ended during the flush has a higher number than the one that was said to be the last.
    if (records.stop(reason)) sent = (await shipper.flush(Math.max(0, deadline - performance.now()))) && sent
    shipper.close()
    await within(
      other.shutdown().catch(() => {}),
      500,
    )
    stopListening()
    await page?.close()
    await spool.close()
    lifecycle.release()
    return sent
  }

  const lifecycle = watchLifecycle({
    flush: () => flush(),
    shutdown: () => shutdown(),
    onEmpty,
    onExit() {
      onEmpty()
      spool.leave()
    },
  })

  /** What is open then will never end: its record says so, and is in the spool before the process is gone. */
  function onEmpty(): void {
    say()
    abandonOpen()
    records.stop(lifecycle.reason() ?? 'exit')
  }

  const say = announce({ config, description: other.description, adopted, metricsPage: page?.url })
  return { instance, metricsUrl: page?.url, flush, shutdown }
}

function createExporter(
  config: Config,
  resource: Uint8Array,
  collect: () => ScopeMetrics[],
  notices: Notices,
) {
  const { metricsUrl: url, metricsHeaders: headers, metricsTimeoutMs: timeoutMs } = config
  if (url === undefined) return undefined
  const intervalMs = config.metricsIntervalMs
  return createMetricsExporter({ url, headers, resource, intervalMs, timeoutMs, collect, notices })
}

/** Resolves when the work is done or the time is up, whichever is first. The timer holds the process: an exit waits for it. */
async function within(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)))])
  clearTimeout(timer)
}
