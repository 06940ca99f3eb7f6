import { randomUUID } from 'node:crypto'
import { installRuntime, slot } from '@throughline/core/runtime'
import { SdkError } from './errors.js'
import { watchLifecycle } from './lifecycle.js'
import { createBusinessMetrics } from './metrics/business.js'
import { createMetricsExporter, type ScopeMetrics } from './metrics/exporter.js'
import { createOperationMetrics } from './metrics/operations.js'
import { collectOwn } from './metrics/own.js'
import { openMetricsPage } from './metrics/page.js'
import { createNotices } from './notices.js'
import { createOperationsRuntime } from './operations-runtime.js'
import { type Config, readConfig, type StartOptions } from './options.js'
import { startNodeSdk } from './otel/node-sdk.js'
import { identify } from './otel/resource.js'
import { createShipper } from './shipper.js'
import { openSpool } from './spool/spool.js'
import { statusLine } from './status.js'
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

/**
 * Starts the SDK: OpenTelemetry's NodeSDK with HTTP instrumentation, operation records through the spool, metrics with exemplars.
 * Call it before the modules that shall be instrumented are loaded; `--import @throughline/sdk/register` does that for you.
 * @throws SdkError on a wrong option, a taken metrics port, or when an SDK runs already.
 */
export async function start(options: StartOptions = {}): Promise<Throughline> {
  const config = readConfig(options)
  if (slot.runtime !== undefined || starting)
    throw new SdkError(
      'TL_ALREADY_STARTED',
      `${slot.runtime?.name ?? 'an SDK'} runs already: start it once a process`,
    )
  starting = true
  const undo: (() => unknown)[] = []
  try {
    return await open(config, undo)
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  } finally {
    starting = false
  }
}

/** Pushes onto `undo` how to take back each step, for a start that fails half way. */
async function open(config: Config, undo: (() => unknown)[]): Promise<Throughline> {
  const notices = createNotices(config.log)
  const { instance, resource, encoded } = identify(config, randomUUID())
  const spool = await openSpool({
    dir: config.spoolDir,
    instance,
    resource: encoded,
    maxBytes: config.spoolMaxBytes,
    durability: config.durability,
    notices,
  })
  undo.push(() => spool.close())
  const shipper = createShipper({
    spool,
    url: config.tracesUrl,
    headers: config.headers,
    scope: OPERATIONS_SCOPE,
    notices,
  })
  const operations = createOperationMetrics(config.serviceName, notices)
  const business = createBusinessMetrics(notices)
  const startTimeUnixNano = BigInt(Date.now()) * 1_000_000n

  function collect(): ScopeMetrics[] {
    const times = { startTimeUnixNano, timeUnixNano: BigInt(Date.now()) * 1_000_000n }
    return [
      { scope: OPERATIONS_SCOPE, metrics: operations.collect(times) },
      { scope: BUSINESS_SCOPE, metrics: business.collect(times) },
      { scope: OWN_SCOPE, metrics: collectOwn(times, notices, shipper, spool) },
    ]
  }

  const page =
    config.metricsPort === undefined
      ? undefined
      : await openMetricsPage(config.metricsHost, config.metricsPort, collect)
  undo.push(() => page?.close())
  const exporter = createExporter(config, encoded, collect, notices)
  undo.push(() => exporter?.close())
  const uninstall = installRuntime(
    createOperationsRuntime({
      serviceName: config.serviceName,
      operations,
      business,
      spool,
      shipper,
      notices,
    }),
  )
  undo.push(uninstall)
  const node = await startNodeSdk(config, resource)

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
      node.flush(timeoutMs),
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
    clearInterval(adopting)
    exporter?.close()
    const sent = await flush(timeoutMs)
    uninstall()
    shipper.close()
    await within(
      node.shutdown().catch(() => {}),
      500,
    )
    await page?.close()
    await spool.close()
    lifecycle.release()
    return sent
  }

  const lifecycle = watchLifecycle(
    () => flush(),
    () => shutdown(),
  )
  config.log(statusLine({ config, instrumented: node.instrumented, adopted, metricsPage: page?.url }))
  return { instance, metricsUrl: page?.url, flush, shutdown }
}

function createExporter(
  config: Config,
  resource: Uint8Array,
  collect: () => ScopeMetrics[],
  notices: ReturnType<typeof createNotices>,
) {
  if (config.metricsUrl === undefined) return undefined
  const { headers, metricsIntervalMs: intervalMs } = config
  return createMetricsExporter({ url: config.metricsUrl, headers, resource, intervalMs, collect, notices })
}

/** Resolves when the work is done or the time is up, whichever is first. The timer holds the process: an exit waits for it. */
async function within(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)))])
  clearTimeout(timer)
}
