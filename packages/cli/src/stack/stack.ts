import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type BinaryOptions, ensureBinary } from '../binaries/ensure.js'
import { assetsDir } from '../binaries/modules.js'
import { CliError } from '../errors.js'
import { removePostgresData } from '../postgres/embedded.js'
import { cloudWatchPart } from './cloudwatch.js'
import { collectorProcess, type Profile } from './collector.js'
import { handOver } from './handover.js'
import { jaegerProcess } from './jaeger.js'
import { holdStackLock } from './lock.js'
import type { Part } from './part.js'
import { type PortName, type Ports, requireFree, resolvePorts } from './ports.js'
import { postgresPart } from './postgres.js'
import { type ProcessSpec, processPart } from './process.js'
import { prometheusProcess } from './prometheus.js'
import { recorderProcess } from './recorder.js'
import { openRegistry } from './registry.js'
import { admitTokens, consoleToken, revokeTokens, type StackTokens, stackTokens } from './tokens.js'

export interface StackOptions {
  /** Folder for data, queues, logs and the lock; made when missing. One stack a folder at a time. */
  dir: string
  /** Which metrics go where. Default `hybrid`. */
  profile?: Profile
  /** Single ports that differ from the environment and the defaults. */
  ports?: Partial<Ports>
  /** Progress in single lines. Default: nothing. */
  log?: (line: string) => void
  /** Removes all data of the folder first. */
  fresh?: boolean
  /** Variables of the Collector beside the addresses: queue sizes, memory; the table is in `otel-collector/README.md`. */
  collectorSettings?: Record<string, string>
  /** The value model of the recorder: a YAML file. */
  valueModel?: string
  /** Rules of Prometheus, `deploy/prometheus` for example: absolute paths, `*` in the last part allowed. With any, it scrapes the recorder too. */
  ruleFiles?: readonly string[]
}

/** A program of yours that is to live and end with the stack. */
interface Program extends Omit<ProcessSpec, 'beforeStart'> {
  /** Ports of the table that it listens on; checked before it starts. */
  ports?: readonly PortName[]
}

/** The local stack. Nothing runs until it is started, part by part and in any order, but for the recorder, which needs Postgres. */
export interface Stack extends AsyncDisposable {
  readonly dir: string
  readonly profile: Profile
  readonly ports: Ports
  /** Where each part answers, or will. */
  readonly urls: Record<
    'otlp' | 'recorder' | 'jaeger' | 'prometheus' | 'cloudwatch' | 'collectorMetrics',
    string
  >
  readonly otlpUrl: string
  readonly recorderUrl: string
  /** Bearer tokens that the recorder of this stack takes. Secrets: `THROUGHLINE_RECORDER_TOKEN` of a service is `ingest`. */
  readonly tokens: StackTokens
  /** With user and password. Throws `TL_PART_STATE` before Postgres was started. */
  readonly databaseUrl: string
  /** The parts that were started, in that order. */
  readonly parts: readonly Part[]
  startPostgres(): Promise<Part>
  startRecorder(): Promise<Part>
  startCloudWatch(): Promise<Part>
  /** Builds the Collector first where no binary is at hand; so do the two below. */
  startCollector(options?: BinaryOptions): Promise<Part>
  startJaeger(options?: BinaryOptions): Promise<Part>
  startPrometheus(options?: BinaryOptions): Promise<Part>
  /**
   * Starts a program of yours as a part: health-checked, logged, recorded, ended with the rest. A second call with the same
   * name starts the same program again. Throws `TL_PORT_TAKEN` if one of its ports is in use.
   */
  startProgram(program: Program): Promise<Part>
  /**
   * The address of the console with a new token of role `read` behind its `#`, which no browser sends anywhere; the console takes it out of
   * the address. It ends with the stack, and after a day. A secret: for the eyes of whoever started the stack. Needs the recorder.
   */
  consoleLink(): Promise<string>
  /**
   * Ends all parts in the direction of the data, each within its deadline, so that everyone can still hand on what it holds:
   * your programs, Collector, recorder, stores. Then gives the folder free. May be called again.
   */
  stop(): Promise<void>
}

/**
 * Takes the folder for us, ends what a killed stack left running in it, and settles the ports.
 * Throws `TL_STACK_LOCKED` while another stack runs there, `TL_PORT_INVALID` for a bad port.
 */
export async function openStack(options: StackOptions): Promise<Stack> {
  const { profile = 'hybrid', log = () => {} } = options
  const dir = resolve(options.dir)
  const ports = resolvePorts(options.ports)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const lock = await holdStackLock(dir)
  const registry = openRegistry(dir)
  const parts = new Map<string, Part>()
  try {
    const left = await registry.endLeftovers()
    if (left.length > 0) log(`Ended what an earlier run had left: ${left.join(', ')}`)
    if (options.fresh) await removeData(dir)
  } catch (error) {
    await lock.release()
    throw error
  }

  const tokens = stackTokens(dir)
  const context = { dir, registry, log }
  const free = (...names: PortName[]) => {
    return () => requireFree(ports, names)
  }
  const postgres = postgresPart(join(dir, 'postgres'), ports.postgres, log)
  const starting = new Set<Promise<void>>()
  const consoleTokens: string[] = []
  let stopped: Promise<void> | undefined

  function databaseUrl(): string {
    if (postgres.databaseUrl === undefined)
      throw new CliError(
        'TL_PART_STATE',
        'Postgres was not started yet, so it has no URL. Call startPostgres() first.',
      )
    return postgres.databaseUrl
  }

  /** Starts the part of that name, again if it was ended since; `make` is asked only the first time. */
  async function begin(name: string, make: () => Part | Promise<Part>): Promise<Part> {
    const known = parts.get(name)
    const part = known ?? (await make())
    if (stopped)
      throw new CliError('TL_PART_STATE', `The stack is stopped; ${name} cannot be started any more.`)
    // Two callers may have waited for one binary: the first one's part is the part.
    const chosen = parts.get(name) ?? part
    parts.set(name, chosen)
    const start = chosen.start()
    starting.add(start)
    await start.finally(() => starting.delete(start))
    handover.add(name)
    return chosen
  }

  function child(
    name: string,
    wanted: PortName[],
    spec: () => ProcessSpec | Promise<ProcessSpec>,
  ): Promise<Part> {
    return begin(name, async () => processPart({ ...(await spec()), beforeStart: free(...wanted) }, context))
  }

  const urls = {
    otlp: `http://127.0.0.1:${ports.otlpHttp}`,
    recorder: `http://127.0.0.1:${ports.recorder}`,
    jaeger: `http://127.0.0.1:${ports.jaeger}`,
    prometheus: `http://127.0.0.1:${ports.prometheus}`,
    cloudwatch: `http://127.0.0.1:${ports.cloudwatch}`,
    collectorMetrics: `http://127.0.0.1:${ports.collectorMetrics}/metrics`,
  }
  const handover = handOver({ dir, profile, urls })

  /** Best effort: a Postgres that is gone or hangs must not hold up the end, and the tokens end by themselves. */
  async function closeConsole(): Promise<void> {
    const ids = consoleTokens.splice(0)
    if (ids.length === 0 || postgres.databaseUrl === undefined || !postgres.running) return
    const late = delay(REVOKE_MS, undefined, { ref: false })
    await Promise.race([revokeTokens(postgres.databaseUrl, ids), late]).catch(() => {})
  }

  async function stopAll(): Promise<void> {
    const failures: unknown[] = []
    await closeConsole()
    const all = [...parts.values()].reverse().sort((a, b) => placeInFlow(a) - placeInFlow(b))
    for (const part of all) await part.stop().catch((error) => failures.push(error))
    // A part that was just about to spawn had nothing to stop yet.
    await Promise.allSettled(starting)
    for (const part of all) await part.stop().catch((error) => failures.push(error))
    handover.end()
    await lock.release()
    if (failures.length > 0)
      throw new AggregateError(failures, 'Some parts of the stack could not be stopped.')
  }

  const stack: Stack = {
    dir,
    profile,
    ports,
    urls,
    otlpUrl: urls.otlp,
    recorderUrl: urls.recorder,
    tokens,
    get databaseUrl() {
      return databaseUrl()
    },
    get parts() {
      return [...parts.values()]
    },
    startPostgres: () => begin('postgres', () => postgres),
    startRecorder: () =>
      child('recorder', ['recorder'], async () => {
        await admitTokens(databaseUrl(), tokens)
        const { valueModel } = options
        return recorderProcess(ports.recorder, databaseUrl(), {
          ...urls,
          ...(valueModel === undefined ? {} : { valueModel }),
        })
      }),
    startCloudWatch: () => begin('cloudwatch', () => cloudWatchPart(ports.cloudwatch, free('cloudwatch'))),
    startCollector: (binary = {}) =>
      child('collector', ['otlpHttp', 'otlpGrpc', 'collectorHealth', 'collectorMetrics'], async () =>
        collectorProcess(await ensureBinary('otelcol', binary), {
          assets: join(assetsDir(), 'otel-collector'),
          storage: join(dir, 'collector'),
          profile,
          ports,
          token: tokens.ingest,
          settings: options.collectorSettings ?? {},
        }),
      ),
    startJaeger: (binary = {}) =>
      child('jaeger', ['jaeger', 'jaegerOtlp'], async () =>
        jaegerProcess(await ensureBinary('jaeger', binary), ports),
      ),
    startPrometheus: (binary = {}) =>
      child('prometheus', ['prometheus'], async () =>
        prometheusProcess(
          await ensureBinary('prometheus', binary),
          join(dir, 'prometheus'),
          ports,
          options.ruleFiles && { files: options.ruleFiles, tokenFile: join(dir, 'read-token') },
        ),
      ),
    startProgram: ({ ports: wanted = [], ...spec }) => {
      // Its settings may be new ones: only while it runs is the old part the part.
      if (parts.get(spec.name)?.running === false) parts.delete(spec.name)
      return child(spec.name, [...wanted], () => spec)
    },
    async consoleLink() {
      const { id, secret } = await consoleToken(databaseUrl())
      consoleTokens.push(id)
      // What just happened would be one bar of a whole day.
      return `${urls.recorder}/#/?hours=0.25&token=${secret}`
    },
    stop: () => (stopped ??= stopAll()),
    [Symbol.asyncDispose]: () => stack.stop(),
  }
  return stack
}

const REVOKE_MS = 2_000

const flow = ['collector', 'recorder', 'cloudwatch', 'prometheus', 'jaeger', 'postgres']

/** -1 for the programs of the user, which are the senders. */
function placeInFlow(part: Part): number {
  return flow.indexOf(part.name)
}

// Postgres may keep its data elsewhere (where its own user can reach it), so it removes them itself. The lock stays,
// and so does what `throughline init` has to know to undo itself.
async function removeData(dir: string): Promise<void> {
  await removePostgresData(join(dir, 'postgres'))
  for (const name of await readdir(dir))
    if (!name.startsWith('stack.lock') && name !== 'init.json' && name !== '.gitignore')
      await rm(join(dir, name), { recursive: true, force: true })
}
