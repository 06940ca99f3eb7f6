import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer as createTcp, type Server } from 'node:net'
import type { Readable } from 'node:stream'
import { createServer as createTls } from 'node:tls'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import Docker from 'dockerode'
import { afterEach, describe, expect, test } from 'vitest'
import { noEngine } from '../../../tests/support/docker-engine.js'
import { TYPE, useEngine } from '../testing/engine.js'
import { until } from '../testing/until.js'
import { type ContainerError, containerFailure, dockerFailure, instrumentDocker } from './index.js'

const missing = await noEngine()

describe.skipIf(missing)('calls of a real docker engine', () => {
  const rig = useEngine({ stats: false, events: false })

  const options = (script: string, host: Docker.HostConfig = {}): Docker.ContainerCreateOptions => ({
    Image: rig.engine.image,
    Cmd: ['sh', '-c', script],
    Labels: { [TYPE]: 'transcode' },
    HostConfig: host,
  })

  /** Runs it to its end; answers how it failed, if it did. */
  async function job(script: string, host?: Docker.HostConfig): Promise<ContainerError | undefined> {
    const container = await rig.docker.createContainer(options(script, host))
    await container.start()
    await container.wait()
    const failure = containerFailure(await container.inspect())
    await container.remove()
    return failure
  }

  test('docker: a job that succeeds is a call each, with its status, its time and its span below the job’s', async () => {
    const parent = trace.getTracer('app').startSpan('job')
    await context.with(trace.setSpan(context.active(), parent), () => job('exit 0'))
    parent.end()
    const steps = [
      ['POST /containers/create', 201],
      ['POST /containers/{id}/start', 204],
      ['POST /containers/{id}/wait', 200],
      ['GET /containers/{id}/json', 200],
      ['DELETE /containers/{id}', 204],
    ] as const
    for (const [operation, status] of steps) {
      const labels = { 'docker.operation': operation, 'http.response.status_code': status }
      expect(await rig.telemetry.points('docker.api.duration', labels), operation).toMatchObject([
        { attributes: labels, count: 1 },
      ])
    }
    const spans = (await rig.telemetry.spans()).filter(({ kind }) => kind === SpanKind.CLIENT)
    expect(spans.map(({ name, attributes }) => [name, attributes['http.response.status_code']])).toEqual(
      steps,
    )
    for (const span of spans) expect(span.parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
    expect(spans[1]?.attributes['container.id']).toMatch(/^[0-9a-f]{64}$/)
    expect(await rig.telemetry.count('container.create.duration', { 'job.type': 'transcode' })).toBe(1)
    expect(await rig.telemetry.sum('docker.api.in_flight')).toBe(0)
    expect(await rig.telemetry.sum('docker.api.errors')).toBe(0)
    expect(rig.instrumented.health()).toMatchObject({
      engine: 'up',
      calls: { inFlight: 0, done: 5, failed: 0 },
    })
  })

  test('docker: no id and no name is a label of any metric', async () => {
    await job('exit 0')
    const name = 'a-name-of-ours'
    await rig.docker
      .getContainer(name)
      .inspect()
      .catch(() => {})
    for (const metric of [
      'docker.api.duration',
      'docker.api.in_flight',
      'docker.api.errors',
      'container.create.duration',
    ])
      for (const { attributes } of await rig.telemetry.points(metric))
        expect(JSON.stringify(attributes)).not.toMatch(/[0-9a-f]{12}|a-name-of-ours/)
  })

  test('docker: callbacks get what they got before, once, in the context of their caller', async () => {
    const plain = new Docker(rig.engine.connection)
    const span = trace.getTracer('app').startSpan('caller')
    const calledIn: (string | undefined)[] = []
    const ask = (one: Docker): Promise<unknown[]> =>
      new Promise((resolve) =>
        context.with(trace.setSpan(context.active(), span), () =>
          one.version((...answer: unknown[]) => {
            calledIn.push(trace.getActiveSpan()?.spanContext().spanId)
            resolve(answer)
          }),
        ),
      )
    expect(await ask(rig.docker)).toEqual(await ask(plain))
    const spanId = span.spanContext().spanId
    expect(calledIn).toEqual([spanId, spanId])
    const failed = (one: Docker): Promise<unknown[]> =>
      new Promise((resolve) =>
        one.getContainer('nobody').inspect((...answer: unknown[]) => {
          resolve(answer)
        }),
      )
    expect(await failed(rig.docker)).toEqual(await failed(plain))
  })

  test('docker: an error that a callback throws goes where it went before', async () => {
    const thrown = new Error('from the callback')
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    try {
      const caught = once(process, 'uncaughtException')
      rig.docker.ping(() => {
        throw thrown
      })
      expect((await caught)[0]).toBe(thrown)
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    expect(await rig.telemetry.count('docker.api.duration', { 'docker.operation': 'GET /_ping' })).toBe(1)
  })

  test('docker: exit 3, a kill for memory, and a program that is not there have classes of their own', async () => {
    expect(await job('exit 3')).toMatchObject({ name: 'ExitCode', exitCode: 3 })
    expect(await job('exec tail /dev/zero', { Memory: 8 << 20, MemorySwap: 8 << 20 })).toMatchObject({
      name: 'OomKilled',
      exitCode: 137,
    })
    const container = await rig.docker.createContainer({ Image: rig.engine.image, Cmd: ['/no/such/program'] })
    const refused = await container.start().catch((error: unknown) => error)
    expect(dockerFailure(refused, 'start')).toMatchObject({ name: 'StartFailed', cause: refused })
    expect(containerFailure(await container.inspect())).toMatchObject({ name: 'StartFailed' })
    await container.remove()
    const errors = await rig.telemetry.points('docker.api.errors')
    const start = { 'docker.operation': 'POST /containers/{id}/start' }
    expect(errors.map(({ attributes, value }) => [attributes, value])).toEqual([
      [{ ...start, 'error.type': '400' }, 1],
    ])
    const durations = await rig.telemetry.points('docker.api.duration', {
      ...start,
      'http.response.status_code': 400,
    })
    expect(durations.map(({ attributes }) => attributes)).toEqual([
      { ...start, 'http.response.status_code': 400 },
    ])
    const failed = (await rig.telemetry.spans()).find(({ status }) => status.code === SpanStatusCode.ERROR)
    expect(failed?.status.message).toContain('/no/such/program')
  })

  test('docker: an image that is missing and a container that is refused are told apart', async () => {
    const create = (changes: Docker.ContainerCreateOptions) =>
      rig.docker.createContainer({ ...options('exit 0'), ...changes }).catch((error: unknown) => error)
    const noImage = await create({ Image: 'no-such-image:1' })
    expect(dockerFailure(noImage, 'create')).toMatchObject({
      name: 'ImageNotFound',
      statusCode: 404,
      cause: noImage,
    })
    const refused = await create({ HostConfig: { Memory: 1_024 } })
    expect(dockerFailure(refused, 'create')).toMatchObject({ name: 'CreateRefused', cause: refused })
    expect(
      await rig.telemetry.count('container.create.duration', {
        'error.type': '404',
        'job.type': 'transcode',
      }),
    ).toBe(1)
    expect(await rig.telemetry.count('container.create.duration')).toBe(2)
  })

  test('docker: a wait that its caller gives up is a timeout of the job, and no fault of the engine', async () => {
    const container = await rig.docker.createContainer(options('sleep 60'))
    await container.start()
    const waited = await container
      .wait({ abortSignal: AbortSignal.timeout(100) })
      .catch((error: unknown) => error)
    expect(dockerFailure(waited, 'wait')).toMatchObject({ name: 'JobTimeout' })
    expect(rig.instrumented.health().engine).toBe('up')
    await container.remove({ force: true })
    const gone = await container.wait().catch((error: unknown) => error)
    expect(dockerFailure(gone, 'wait')).toMatchObject({ name: 'ContainerGone' })
    expect(await rig.telemetry.sum('docker.api.in_flight')).toBe(0)
  })

  test('docker: a container that runs already is no error', async () => {
    const container = await rig.docker.createContainer(options('sleep 60'))
    await container.start()
    await expect(container.start()).rejects.toMatchObject({ statusCode: 304 })
    await container.remove({ force: true })
    expect(await rig.telemetry.sum('docker.api.errors')).toBe(0)
    expect(await rig.telemetry.count('docker.api.duration', { 'http.response.status_code': 304 })).toBe(1)
  })

  test('docker: streams in both directions work as before; a call is over at the head', async () => {
    const container = await rig.docker.createContainer({
      ...options('read line; echo "got $line"'),
      OpenStdin: true,
      StdinOnce: true,
      Tty: true,
    })
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true })
    await container.start()
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.write('something\n')
    await container.wait()
    await until('the answer has come', () => Buffer.concat(chunks).includes('got something'))
    await container.remove()
    const attach = { 'docker.operation': 'POST /containers/{id}/attach' }
    expect(
      await rig.telemetry.points('docker.api.duration', { ...attach, 'http.response.status_code': 101 }),
    ).toHaveLength(1)
    expect(await rig.telemetry.sum('docker.api.in_flight')).toBe(0)
  })

  test('docker: 100 MB of log come through unharmed', async () => {
    const megabytes = 100
    const container = await rig.docker.createContainer({
      ...options(`dd if=/dev/zero bs=1M count=${megabytes} 2>/dev/null | tr '\\0' 'x'`),
      Tty: true,
      HostConfig: { LogConfig: { Type: 'json-file', Config: {} } },
    })
    const stream = await container.attach({ stream: true, stdout: true })
    let bytes = 0
    let others = 0
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      for (let at = 0; at < chunk.length; at += 4_096) if (chunk[at] !== 0x78) others += 1
    })
    await container.start()
    await once(stream as unknown as Readable, 'end')
    await container.remove({ force: true })
    expect([bytes, others]).toEqual([megabytes << 20, 0])
  }, 120_000)

  test('docker: the span of a pull or an import lasts as long as its progress', async () => {
    const refused = await rig.docker.pull('127.0.0.1:9/no-such-image:1').catch((error: unknown) => error)
    const stream = refused as Readable
    if (typeof stream?.resume === 'function') await once(stream.resume(), 'end')
    await until('the span has ended', async () =>
      (await rig.telemetry.spans()).some(({ name }) => name === 'POST /images/create'),
    )
    expect(
      await rig.telemetry.count('docker.api.duration', { 'docker.operation': 'POST /images/create' }),
    ).toBe(1)
  })

  test('docker: 200 short jobs, ten at once: each is counted, nothing is left', async () => {
    const failures: (ContainerError | undefined)[] = []
    let next = 0
    const slot = async () => {
      for (let i = next++; i < 200; i = next++) failures.push(await job(`exit ${i % 10 === 0 ? 3 : 0}`))
    }
    await Promise.all(Array.from({ length: 10 }, slot))
    expect(failures.filter((one) => one?.name === 'ExitCode')).toHaveLength(20)
    expect(await rig.telemetry.count('container.create.duration', { 'job.type': 'transcode' })).toBe(200)
    expect(await rig.telemetry.count('docker.api.duration')).toBe(1_000)
    expect(await rig.telemetry.sum('docker.api.in_flight')).toBe(0)
    expect(rig.instrumented.health().calls).toEqual({ inFlight: 0, done: 1_000, failed: 0 })
  }, 240_000)

  test('docker: close gives the instance its own dial back, and a second instrumentation is the first', async () => {
    expect(instrumentDocker(rig.docker)).toBe(rig.instrumented)
    expect(Object.hasOwn(rig.docker.modem, 'dial')).toBe(true)
    rig.instrumented.close()
    rig.instrumented.close()
    expect(Object.hasOwn(rig.docker.modem, 'dial')).toBe(false)
    await rig.docker.ping()
    expect(await rig.telemetry.count('docker.api.duration')).toBe(0)
    rig.instrumented = instrumentDocker(rig.docker, { stats: false, events: false })
    await rig.docker.ping()
    expect(await rig.telemetry.count('docker.api.duration')).toBe(1)
  })

  test('docker: a dial that somebody else has put over ours stays, and measures nothing after the close', async () => {
    let dials = 0
    const { dial } = rig.docker.modem
    rig.docker.modem.dial = function (...args: Parameters<typeof dial>) {
      dials += 1
      return dial.apply(this, args)
    }
    await rig.docker.ping()
    rig.instrumented.close()
    await rig.docker.ping()
    expect(dials).toBe(2)
    expect(await rig.telemetry.count('docker.api.duration')).toBe(1)
  })

  test('docker: the code of the README runs, and its failures have their class', async () => {
    const { connection } = rig.engine
    const before = process.env.DOCKER_HOST
    process.env.DOCKER_HOST =
      'socketPath' in connection
        ? `unix://${connection.socketPath}`
        : `tcp://${connection.host}:${connection.port}`
    try {
      const readme = await import('../testing/readme.js')
      const { close, digest, health } = readme
      await expect(digest('/etc/nothing')).rejects.toMatchObject({ name: 'ImageNotFound' })
      await rig.docker.getImage(rig.engine.image).tag({ repo: 'busybox', tag: '1' })
      await expect(digest('/etc/nothing')).rejects.toMatchObject({ name: 'ExitCode', exitCode: 1 })
      await digest('/bin/busybox')
      expect(readme.lastUsage('none')).toBeUndefined()
      expect(await readme.docker.ping()).toEqual(await rig.docker.ping())
      expect(health()).toMatchObject({ engine: 'up', calls: { failed: 1 } })
      close()
      await rig.docker.getImage('busybox:1').remove()
    } finally {
      if (before === undefined) delete process.env.DOCKER_HOST
      else process.env.DOCKER_HOST = before
    }
  })

  describe('over a network', () => {
    const servers: Server[] = []
    afterEach(() => {
      for (const server of servers.splice(0)) server.close()
    })

    const listening = async (server: Server): Promise<number> => {
      servers.push(server)
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return (server.address() as AddressInfo).port
    }
    const toEngine = () =>
      'socketPath' in rig.engine.connection
        ? connect(rig.engine.connection.socketPath)
        : connect(rig.engine.connection.port, rig.engine.connection.host)
    const joined = (near: NodeJS.ReadWriteStream & { destroy(): void }) => {
      const far = toEngine()
      near.pipe(far).pipe(near)
      near.on('error', () => far.destroy())
      far.on('error', () => near.destroy())
    }

    test('docker: TCP, with the address of the engine on its metrics', async () => {
      const port = await listening(createTcp(joined))
      const remote = new Docker({ protocol: 'http', host: '127.0.0.1', port })
      const { close } = instrumentDocker(remote, { stats: false, events: false })
      await remote.ping()
      await remote.listContainers({ all: true })
      expect(await rig.telemetry.count('docker.api.duration', { 'server.address': '127.0.0.1' })).toBe(2)
      close()
    })

    test('docker: TLS; a certificate that is not trusted is an engine out of reach', async () => {
      const [key, cert] = ['key', 'cert'].map((name) =>
        readFileSync(new URL(`../../recorder/test/tls/${name}.pem`, import.meta.url), 'utf8'),
      )
      const port = await listening(createTls({ key, cert }, joined))
      const remote = new Docker({ protocol: 'https', host: '127.0.0.1', port, ca: cert })
      const trusted = instrumentDocker(remote, { stats: false, events: true })
      await remote.ping()
      await until('events are followed', () => trusted.health().events.following)
      expect(trusted.health().engine).toBe('up')
      trusted.close()
      const stranger = new Docker({ protocol: 'https', host: '127.0.0.1', port })
      const untrusted = instrumentDocker(stranger, { stats: false, events: false })
      const refused = await stranger.createContainer(options('exit 0')).catch((error: unknown) => error)
      expect(dockerFailure(refused, 'create')).toMatchObject({ name: 'EngineUnreachable' })
      expect(untrusted.health().engine).toBe('unreachable')
      untrusted.close()
    })
  })
})
