import type { Attributes } from '@opentelemetry/api'
import type { Modem } from './client.js'
import { wrapDial } from './dial.js'
import { createEngine } from './engine.js'
import { DockerOptionError } from './errors.js'
import { followEngine } from './events.js'
import { createFleet } from './fleet.js'
import { createHealth, type DockerHealth } from './health.js'
import { createInstruments } from './metrics.js'
import { type DockerOptions, settingsOf } from './options.js'
import { collectStats } from './stats/collect.js'
import { type ContainerUsage, observeMemory } from './stats/totals.js'
import { createJobTypes } from './types.js'

export interface InstrumentedDocker<Docker> {
  /** The same instance that was given. */
  readonly docker: Docker
  /** What is known of the engine, of the calls and of what is followed, now. */
  health(): DockerHealth
  /** The figures of a container as of its last sample, by its full id; also after its end. Undefined without a sample. */
  lastUsage(containerId: string): ContainerUsage | undefined
  /** Ends what runs beside the application and gives the instance its own functions back. May be called again. */
  close(): void
}

/** One instrumentation an instance: a second would measure every call twice. */
const instrumented = new WeakMap<object, InstrumentedDocker<unknown>>()

/**
 * Measures the Docker API calls of one instance of dockerode, and follows the containers of its engine. Only `dial` and `buildRequest`
 * of the instance's own client are replaced; other instances and the class are not touched. An instance that is instrumented already gives what the first
 * call gave. No failure of the engine is thrown from here, now or later.
 *
 * Call it after the SDK has started: instruments go to the meter provider that is registered at this moment.
 * @throws code `TL_DOCKER_OPTION` for an option out of its range, and for what is no instance of dockerode.
 */
export function instrumentDocker<Docker extends object>(
  docker: Docker,
  options: DockerOptions = {},
): InstrumentedDocker<Docker> {
  const settings = settingsOf(options)
  const modem = modemOf(docker)
  const former = instrumented.get(modem) as InstrumentedDocker<Docker> | undefined
  if (former !== undefined) return former

  const instruments = createInstruments(addressOf(modem))
  const follows = settings.events || settings.stats !== undefined
  const health = createHealth(instruments, follows)
  const types = createJobTypes(settings.label, settings.maxTypes)
  const { dial } = modem
  const engine = createEngine(modem, dial, health, settings.timeoutMs)
  const intervalMs = settings.stats?.intervalMs ?? settings.resyncMs
  const fleet = createFleet(instruments, health, settings.maxContainers, intervalMs)
  const parts = [wrapDial(modem, instruments, health, types.ofCreate)]
  if (follows) {
    const follower = followEngine(engine, fleet, health, types, settings)
    parts.push(
      () => follower.close(),
      // Three rounds: what is older is not how it is now.
      observeMemory(instruments, () => fleet.running.values(), 3 * intervalMs),
    )
  }
  if (settings.stats !== undefined) {
    const collector = collectStats(engine, fleet, instruments, health, settings.stats)
    parts.push(() => collector.close())
  }
  parts.push(() => engine.close())

  const result: InstrumentedDocker<Docker> = {
    docker,
    health: () => health.read(),
    lastUsage: (containerId) => fleet.usage(containerId),
    close() {
      instrumented.delete(modem)
      for (const close of parts.splice(0)) close()
    },
  }
  instrumented.set(modem, result)
  return result
}

function modemOf(docker: object): Modem {
  const { modem } = docker as { modem?: Partial<Modem> | null }
  if (typeof modem !== 'object' || modem === null || typeof modem.dial !== 'function')
    throw new DockerOptionError('instrumentDocker takes an instance of dockerode: it has no modem.dial')
  return modem as Modem
}

/** Tells several engines apart. One behind a local socket needs no name. */
function addressOf(modem: Modem): Attributes {
  const { host } = modem as { host?: unknown }
  if (typeof host !== 'string' || host === '') return {}
  const name = URL.canParse(host) ? new URL(host).hostname : ''
  return { 'server.address': name === '' ? host : name }
}
