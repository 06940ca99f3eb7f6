import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { freePorts, openStack, type Stack } from '@throughline/cli'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'
import { assetsDir } from '../../packages/cli/src/binaries/modules.js'
import { removePostgresData } from '../../packages/cli/src/postgres/embedded.js'
import { collectorProcess } from '../../packages/cli/src/stack/collector.js'
import { recorderProcess } from '../../packages/cli/src/stack/recorder.js'
import { admitTokens } from '../../packages/cli/src/stack/tokens.js'
import { isAlive } from '../../packages/cli/src/system/processes.js'
import { type Database, openDatabase } from './database.js'
import { mountDisk, type SmallDisk } from './disk.js'
import type { Callee } from './load.js'
import { type MemoryWatch, watchMemory } from './memory.js'
import { type Hop, openProxy } from './proxy.js'

type Part = Stack['parts'][number]

/** Who tells a service that its records have arrived, so that it may let go of them. */
export type Confirm = 'recorder' | 'collector'

export interface WorldOptions {
  /** In place of the run's. */
  readonly confirm?: Confirm
  /** Disks of so many MiB for the data of Postgres, the Collector's queues, the services' spool. */
  readonly disks?: Partial<Record<'postgres' | 'collector' | 'spool', number>>
  /** Runs on the fresh database before the recorder. The recorder is not started then: the row does it. */
  readonly before?: (databaseUrl: string) => Promise<void>
}

export interface Service extends Callee {
  readonly name: string
  readonly pid: number | undefined
  readonly running: boolean
  /** With other variables than before, where some are given. */
  start(env?: Record<string, string>): Promise<void>
  stop(): Promise<void>
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** One set of real processes with a proxy in each hop between them. */
export interface World extends AsyncDisposable {
  readonly dir: string
  readonly stack: Stack
  /** `ship`: services to Collector. `deliver`: Collector to recorder. `store`: recorder to Postgres. `confirm`: services to recorder. */
  readonly hops: Readonly<Record<'ship' | 'deliver' | 'store' | 'confirm' | 'jaeger', Hop>>
  readonly disks: Partial<Record<'postgres' | 'collector' | 'spool', SmallDisk>>
  readonly services: readonly Service[]
  readonly postgres: Part
  readonly collector: Part
  readonly recorder: Part
  readonly database: Database
  readonly memory: MemoryWatch
  readonly confirm: Confirm
  /** A further service, made but not started; the row that makes it ends it. `imports` are modules to load before the SDK. */
  service(name: string, imports?: readonly string[]): Promise<Service>
  /** Starts the Collector anew with another token for the recorder. */
  startCollector(token: string): Promise<void>
  /** Starts the recorder for the first time, or a second one on a port of its own. */
  startRecorder(name?: 'recorder' | 'recorder-2'): Promise<Part>
  /** Every hop open, every part running. */
  heal(): Promise<void>
}

const program = (name: string): string => fileURLToPath(new URL(`./programs/${name}`, import.meta.url))
const register = pathToFileURL(createRequire(import.meta.url).resolve('@throughline/sdk/register')).href

const worlds = new Set<World>()

/** Ends every process and disk of every world: for whoever interrupts a run. */
export async function endWorlds(): Promise<void> {
  await Promise.allSettled([...worlds].map((world) => world[Symbol.asyncDispose]()))
}

export async function openWorld(ofRun: Confirm, options: WorldOptions = {}): Promise<World> {
  const confirm = options.confirm ?? ofRun
  const dir = await mkdtemp(join(tmpdir(), 'throughline-faults-'))
  // Else the data of Postgres, which does not run as root, would lie where its account can reach them, and not on the small disk.
  if (options.disks?.postgres !== undefined) await chmod(dir, 0o711)
  const ports = await freePorts()
  const hops = {
    ship: await openProxy(ports.otlpHttp),
    deliver: await openProxy(ports.recorder),
    store: await openProxy(ports.postgres),
    confirm: await openProxy(ports.recorder),
    jaeger: await openProxy(),
  }
  const disks: World['disks'] = {}
  for (const [what, mebibytes] of Object.entries(options.disks ?? {}))
    disks[what as keyof typeof disks] = await mountDisk(join(dir, what), mebibytes)
  const stack = await openStack({ dir, ports, profile: 'prometheus' })
  const memory = watchMemory()
  const part = (name: string): Part => {
    const found = stack.parts.find((one) => one.name === name)
    if (found === undefined) throw new Error(`${name} was not started`)
    return found
  }
  const pidOf = (name: string): number | undefined => stack.parts.find((one) => one.name === name)?.pid

  async function service(name: string, imports: readonly string[] = []): Promise<Service> {
    const port = (await freePorts()).allocation
    const url = `http://127.0.0.1:${port}`
    let generation = 0
    memory.add(name, () => pidOf(name), 'service')
    const spec = {
      name,
      url,
      healthUrl: `${url}/healthz`,
      command: process.execPath,
      args: [...imports.flatMap((file) => ['--import', file]), '--import', register, program('service.mjs')],
    }
    const variables = {
      PORT: String(port),
      OTEL_SERVICE_NAME: name,
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.0.0',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${hops.ship.port}`,
      // Half-open connections are found out by this time alone; the default of 10 s would only make each row longer.
      OTEL_EXPORTER_OTLP_TIMEOUT: '3000',
      THROUGHLINE_SPOOL_DIR: join(dir, 'spool'),
      THROUGHLINE_CONFIRM: confirm,
      // Soon enough to see records sent again; the default of a minute would make the rows wait for it.
      THROUGHLINE_CONFIRM_TIMEOUT: '8000',
      ...(confirm === 'recorder'
        ? {
            THROUGHLINE_RECORDER_URL: `http://127.0.0.1:${hops.confirm.port}`,
            THROUGHLINE_RECORDER_TOKEN: stack.tokens.ingest,
          }
        : {}),
    }
    return {
      name,
      url,
      get generation() {
        return generation
      },
      get running() {
        return pidOf(name) !== undefined
      },
      get pid() {
        return pidOf(name)
      },
      async start(env) {
        await stack.startProgram({ ...spec, env: { ...variables, ...env } })
        generation += 1
      },
      async stop() {
        generation += 1
        await part(name).stop()
      },
      async kill(signal = 'SIGKILL') {
        generation += 1
        await part(name).kill(signal)
        generation += 1
      },
    }
  }

  async function startRecorder(name: 'recorder' | 'recorder-2' = 'recorder'): Promise<Part> {
    const url = new URL(stack.databaseUrl)
    url.port = String(hops.store.port)
    const port = name === 'recorder' ? ports.recorder : ports.catalogue
    memory.add(name, () => pidOf(name), 'recorder')
    return stack.startProgram({ ...recorderProcess(port, url.href), name })
  }

  async function startCollector(token: string): Promise<void> {
    memory.add('collector', () => pidOf('collector'), 'collector')
    await stack.startProgram(
      collectorProcess(await ensureBinary('otelcol'), {
        assets: join(assetsDir(), 'otel-collector'),
        storage: join(dir, 'collector'),
        profile: 'prometheus',
        ports,
        token,
        settings: {
          THROUGHLINE_RECORDER_URL: `http://127.0.0.1:${hops.deliver.port}`,
          THROUGHLINE_JAEGER_OTLP: `127.0.0.1:${hops.jaeger.port}`,
        },
      }),
    )
  }

  const services: Service[] = []
  let ended: Promise<void> | undefined
  let database: Database | undefined
  const world: World = {
    dir,
    stack,
    hops,
    disks,
    services,
    memory,
    confirm,
    get postgres() {
      return part('postgres')
    },
    get collector() {
      return part('collector')
    },
    get recorder() {
      return part('recorder')
    },
    get database() {
      if (database === undefined) throw new Error('Postgres was not started')
      return database
    },
    service,
    startCollector,
    startRecorder,
    async heal() {
      for (const disk of Object.values(disks)) await disk.free()
      for (const hop of Object.values(hops)) {
        hop.tap = undefined
        hop.heal()
      }
      // It may have ended by itself; while it recovers from a crash it is left alone.
      if (world.postgres.pid !== undefined && !isAlive(world.postgres.pid)) await world.postgres.stop()
      for (const one of [world.postgres, world.recorder, world.collector]) await one.start()
      for (const one of services) if (!one.running) await one.start()
    },
    [Symbol.asyncDispose]: () => (ended ??= end()),
  }
  async function end(): Promise<void> {
    worlds.delete(world)
    memory.stop()
    // Healed first: who ends in order hands on what it holds, and would wait for a hop that hangs.
    for (const hop of Object.values(hops)) hop.heal()
    await stack.stop()
    await database?.close()
    for (const hop of Object.values(hops)) await hop.close()
    await removePostgresData(join(dir, 'postgres'))
    for (const disk of Object.values(disks)) await disk.unmount()
    await rm(dir, { recursive: true, force: true })
  }
  worlds.add(world)
  try {
    await stack.startPostgres()
    database = openDatabase(stack.databaseUrl)
    if (options.before !== undefined) await options.before(stack.databaseUrl)
    else {
      await admitTokens(stack.databaseUrl, stack.tokens)
      await startRecorder()
    }
    await startCollector(stack.tokens.ingest)
    for (const name of ['orders', 'stock']) {
      const one = await service(name)
      await one.start()
      services.push(one)
    }
    return world
  } catch (error) {
    await end().catch(() => {})
    throw error
  }
}
