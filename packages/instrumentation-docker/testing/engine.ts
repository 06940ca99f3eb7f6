import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { startEngine, type TestEngine } from '../../../tests/support/docker-engine.js'
import { type DockerOptions, type InstrumentedDocker, instrumentDocker } from '../src/index.js'
import { installTelemetry, type Telemetry } from './telemetry.js'
import { until } from './until.js'

/** The label by which containers tell their job type. */
export const TYPE = 'throughline.job.type'

/** A real engine, an instrumented client of it, and what was measured. */
export interface EngineRig {
  engine: TestEngine
  telemetry: Telemetry
  docker: Docker
  instrumented: InstrumentedDocker<Docker>
  /** As if the process was new; resolves when the engine is followed, if it is to be. */
  begin(options?: DockerOptions): Promise<void>
  /** A container of this job type that runs a shell script. */
  create(type: string | undefined, script: string, host?: Docker.HostConfig): Promise<Docker.Container>
  start(type: string | undefined, script: string, host?: Docker.HostConfig): Promise<Docker.Container>
}

/** For the top of a `describe`. Before each test `begin` is called with the options, unless there are none; after it no container is left. */
export function useEngine(options?: DockerOptions): EngineRig {
  const rig = {} as EngineRig
  rig.begin = async (given = options ?? {}) => {
    rig.telemetry.reset()
    rig.docker = new Docker(rig.engine.connection)
    rig.instrumented = instrumentDocker(rig.docker, given)
    if (given.stats === false && given.events === false) return
    await until('the engine is followed', () => rig.instrumented.health().events.resyncs > 0)
  }
  rig.create = (type, script, host = {}) =>
    rig.docker.createContainer({
      Image: rig.engine.image,
      Cmd: ['sh', '-c', script],
      Labels: type === undefined ? {} : { [TYPE]: type },
      HostConfig: host,
      // An engine that starts again ends what ran, and would wait 10 s for each.
      StopTimeout: 1,
    })
  rig.start = async (type, script, host) => {
    const container = await rig.create(type, script, host)
    await container.start()
    return container
  }

  beforeAll(async () => {
    rig.engine = await startEngine()
    rig.telemetry = installTelemetry()
  })
  beforeEach(async () => {
    if (options !== undefined) await rig.begin()
  })
  afterEach(async () => {
    rig.instrumented?.close()
    if (!rig.engine.own) return
    const plain = new Docker(rig.engine.connection)
    for (const { Id } of await plain.listContainers({ all: true }))
      await plain.getContainer(Id).remove({ force: true })
  })
  afterAll(async () => {
    rig.telemetry?.remove()
    await rig.engine?.stop()
  })
  return rig
}
