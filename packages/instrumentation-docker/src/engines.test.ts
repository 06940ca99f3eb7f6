import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTcp, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SpanKind, trace } from '@opentelemetry/api'
import Docker from 'dockerode'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { installTelemetry, type Telemetry } from '../testing/telemetry.js'
import { until } from '../testing/until.js'
import { type DockerOptions, dockerFailure, type InstrumentedDocker, instrumentDocker } from './index.js'

// What answers here is no Docker engine on purpose: nothing, garbage, silence.
const TYPE = 'throughline.job.type'
const QUICK: DockerOptions = {
  stats: { intervalMs: 1_000 },
  timeoutMs: 200,
  maxRetryMs: 100,
  resyncMs: 1_000,
}

let dir: string
let socketPath: string
let telemetry: Telemetry
let instrumented: InstrumentedDocker<Docker> | undefined
const servers: Server[] = []

beforeAll(() => {
  telemetry = installTelemetry()
})
afterAll(() => telemetry.remove())
beforeEach(() => {
  telemetry.reset()
  dir = mkdtempSync(join(tmpdir(), 'tl-engine-'))
  socketPath = join(dir, 'd.sock')
})
afterEach(async () => {
  instrumented?.close()
  instrumented = undefined
  await Promise.all(
    servers.splice(0).map((server) => {
      if ('closeAllConnections' in server)
        (server as unknown as { closeAllConnections(): void }).closeAllConnections()
      server.close()
      return server.listening ? once(server, 'close') : undefined
    }),
  )
  rmSync(dir, { recursive: true, force: true })
})

async function serve(server: Server): Promise<void> {
  servers.push(server)
  server.listen(socketPath)
  await once(server, 'listening')
}
const answering = (listener: RequestListener) => serve(createServer(listener))
const instrument = (options: DockerOptions = QUICK): Docker => {
  const docker = new Docker({ socketPath })
  instrumented = instrumentDocker(docker, options)
  return docker
}
const json = (response: ServerResponse, value: unknown) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}

test('no engine: calls fail as they did before, it is said once, and the engine is found when it comes', async () => {
  const docker = instrument()
  const failure = await docker.ping().catch((error: unknown) => error)
  const before = await new Docker({ socketPath }).ping().catch((error: unknown) => error)
  expect(failure).toEqual(before)
  expect(dockerFailure(failure, 'create')).toMatchObject({ name: 'EngineUnreachable' })
  await until('it is known', () => instrumented?.health().engine === 'unreachable')
  expect(await telemetry.sum('docker.api.errors', { 'error.type': 'ENOENT' })).toBe(1)
  await answering((request, response) => {
    if (request.url?.startsWith('/_ping')) response.end('OK')
    else if (request.url?.startsWith('/events')) response.write('\n')
    else json(response, [])
  })
  await until('it is followed', () => (instrumented?.health().events.resyncs ?? 0) > 0)
  expect(instrumented?.health().engine).toBe('up')
  expect(telemetry.said.filter((line) => /unreachable: /.test(line))).toHaveLength(1)
  expect(telemetry.said.filter((line) => /answers again/.test(line))).toHaveLength(1)
})

test.each<[string, (socket: NodeJS.WritableStream) => void, string]>([
  ['bytes that are no HTTP', (socket) => void socket.end('\u0000\u0001 what?\r\n\r\n'), 'invalid'],
  ['a connection that is closed at once', (socket) => void socket.end(), 'unreachable'],
])('%s: the application sees the client’s own error, and the state is known', async (_, answer, state) => {
  const accept = (socket: Socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  }
  await serve(createTcp(accept))
  const docker = instrument()
  await expect(docker.version()).rejects.toThrow()
  await until('it is known', () => instrumented?.health().engine === state)
  expect(await telemetry.sum('docker.api.in_flight')).toBe(0)
})

test('an answer that is cut is an engine out of reach, though the client never says so to who asked it', async () => {
  const half = (socket: Socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\nhalf'))
  await serve(createTcp(half))
  const docker = instrument({ ...QUICK, stats: false, events: false })
  docker.version().catch(() => {})
  await until('it is known', () => instrumented?.health().engine === 'unreachable')
  expect(instrumented?.health().calls).toEqual({ inFlight: 0, done: 1, failed: 1 })
  expect(await telemetry.sum('docker.api.in_flight')).toBe(0)
  expect(await telemetry.sum('docker.api.errors', { 'error.type': 'ECONNRESET' })).toBe(1)
})

test('a web server that is no engine is named as that; its answers reach the application unchanged', async () => {
  await answering((_, response) => void response.end('<html>hello</html>'))
  const docker = instrument()
  await until('it is known', () => instrumented?.health().engine === 'invalid')
  expect(String(await docker.version())).toBe('<html>hello</html>')
  expect(instrumented?.health().lastError).toContain('a ping was answered 200 <html>')
})

test('an engine that takes the call and is silent is slow; what the application asked goes on waiting', async () => {
  const waiting: ServerResponse[] = []
  await answering((_, response) => void waiting.push(response))
  const docker = instrument()
  const answer = docker.info()
  await until('it is known', () => instrumented?.health().engine === 'slow')
  expect(instrumented?.health().calls.inFlight).toBe(1)
  for (const response of waiting) if (!response.writableEnded) json(response, { ID: 'late' })
  expect(await answer).toEqual({ ID: 'late' })
})

test('a list of containers that is anything at all harms nothing', async () => {
  let list: unknown
  await answering((request, response) => {
    if (request.url?.startsWith('/_ping')) response.end('OK')
    else if (request.url?.startsWith('/containers/json')) json(response, list)
    else json(response, null)
  })
  const arbitrary = fc.oneof(
    fc.jsonValue(),
    fc.array(fc.record({ Id: fc.jsonValue(), Labels: fc.jsonValue(), Created: fc.jsonValue() })),
    fc.array(fc.constant(null)),
  )
  await fc.assert(
    fc.asyncProperty(arbitrary, async (value) => {
      list = value
      instrument({ ...QUICK, events: false })
      await until('it was read', () => {
        const { events, engine } = instrumented?.health() ?? {}
        return (events?.resyncs ?? 0) > 0 || engine === 'invalid'
      })
      instrumented?.close()
    }),
    { numRuns: 40 },
  )
})

test('events that are no events are passed over, and a line without an end is cut', async () => {
  let events: ServerResponse | undefined
  await answering((request, response) => {
    if (request.url?.startsWith('/_ping')) response.end('OK')
    else if (request.url?.startsWith('/events')) {
      events = response
      response.write('\n')
    } else json(response, [])
  })
  instrument()
  await until('it is followed', () => instrumented?.health().events.following)
  const event = (id: string) => ({
    Type: 'container',
    Action: 'start',
    timeNano: 1e18,
    Actor: { ID: id, Attributes: { [TYPE]: 'a' } },
  })
  for (const line of [
    '{',
    'null',
    '7',
    '[]',
    '{"Type":"container","Actor":7}',
    '{"Type":"container","Actor":{"ID":[]}}',
  ])
    events?.write(`${line}\n`)
  const whole = `${JSON.stringify(event('1'))}\n`
  events?.write(whole.slice(0, 20))
  events?.write(whole.slice(20))
  events?.write(whole)
  await until('the whole one is taken', () => instrumented?.health().stats.containers === 1)
  const first = events
  const megabyte = 'x'.repeat(1 << 20)
  events?.write(megabyte)
  events?.write(megabyte)
  await until('it connects anew', () => events !== first)
})

test('an answer beyond its bound is given up', async () => {
  await answering((request, response) => {
    if (request.url?.startsWith('/_ping')) response.end('OK')
    else if (request.url?.startsWith('/events')) response.write('\n')
    else {
      const chunk = Buffer.alloc(1 << 20, ' ')
      const more = () => void (response.destroyed || response.write(chunk, more))
      more()
    }
  })
  instrument({ ...QUICK, timeoutMs: 20_000 })
  await until('it is known', () => instrumented?.health().engine === 'invalid')
  expect(instrumented?.health().lastError).toContain('more than 33554432 bytes')
})

test('the same events told again after a break count once', async () => {
  let connects = 0
  const kill = {
    Type: 'container',
    Action: 'oom',
    timeNano: 1.5e18,
    Actor: { ID: 'a', Attributes: { [TYPE]: 'a' } },
  }
  const sinces: string[] = []
  await answering((request, response) => {
    if (request.url?.startsWith('/_ping')) response.end('OK')
    else if (request.url?.startsWith('/events')) {
      connects += 1
      sinces.push(new URL(request.url, 'http://engine').searchParams.get('since') ?? '')
      response.write(`${JSON.stringify(kill)}\n`)
      if (connects < 3) setTimeout(() => response.destroy(), 20)
    } else json(response, [])
  })
  instrument()
  await until('it has connected three times', () => instrumented?.health().events.connects === 3)
  await until('it is up to date', () => instrumented?.health().events.following)
  expect(await telemetry.sum('container.oom_kills')).toBe(1)
  expect(sinces.slice(1)).toEqual([1_499_999_999, 1_499_999_999].map(String))
})

test('what ended unseen is looked at, and what was removed besides is counted as vanished', async () => {
  let running = ['a', 'b', 'c']
  await answering((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://engine')
    if (pathname === '/_ping') response.end('OK')
    else if (pathname === '/events') response.write('\n')
    else if (pathname === '/containers/json')
      json(
        response,
        running.map((Id) => ({ Id, Labels: { [TYPE]: 'x' } })),
      )
    else if (pathname === '/containers/a/json') json(response, { State: { OOMKilled: true, ExitCode: 137 } })
    else if (pathname === '/containers/b/json') {
      response.statusCode = 404
      json(response, { message: 'No such container: b' })
    } else if (pathname.endsWith('/stats'))
      json(response, { cpu_stats: { cpu_usage: { total_usage: 1e9 } }, memory_stats: { usage: 4_096 } })
    else response.destroy()
  })
  instrument()
  await until('all have figures', () => ['a', 'b', 'c'].every((id) => instrumented?.lastUsage(id)))
  running = ['c']
  await until('two are dropped', () => instrumented?.health().stats.containers === 1)
  expect(instrumented?.health().events.vanished).toBe(1)
  expect(await telemetry.points('container.oom_kills')).toMatchObject([
    { attributes: { 'job.type': 'x' }, value: 1 },
  ])
  expect(instrumented?.lastUsage('a')).toMatchObject({ exitCode: 137, oomKills: 1, memoryPeakBytes: 4_096 })
  expect(instrumented?.lastUsage('b')).toMatchObject({ exitCode: undefined, cpuSeconds: 1 })
})

test('an instrumentation of HTTP below makes no second span, but of a stream, which is the caller’s', async () => {
  const recorded: boolean[] = []
  const asked = () => {
    const span = trace.getTracer('http').startSpan('GET')
    recorded.push(span.isRecording())
    span.end()
  }
  const client = {
    dial(_options: object, callback: (error: unknown, answer: unknown) => void) {
      asked()
      callback(null, {})
    },
  }
  const { close } = instrumentDocker({ modem: client }, { stats: false, events: false })
  client.dial({ path: '/info', method: 'GET' }, asked)
  client.dial({ path: '/containers/a/logs?', method: 'GET', isStream: true }, asked)
  close()
  expect(recorded).toEqual([false, true, true, true])
  expect(
    (await telemetry.spans()).filter(({ kind }) => kind === SpanKind.CLIENT).map(({ name }) => name),
  ).toEqual(['GET /info', 'GET /containers/{id}/logs'])
})

test('after the close nothing is asked any more', async () => {
  const requests: unknown[] = []
  await answering((request, response) => {
    requests.push(request.headers['x-of'])
    if (request.url?.startsWith('/_ping')) response.end('OK')
    else if (request.url?.startsWith('/events')) response.write('\n')
    else json(response, [])
  })
  const of = (name: string) => instrumentDocker(new Docker({ socketPath, headers: { 'x-of': name } }), QUICK)
  const first = of('first')
  await until('it is followed', () => first.health().events.resyncs > 0)
  first.close()
  const asked = requests.length
  expect(requests).toEqual(Array(asked).fill('first'))
  // As often as the first would have asked, too.
  instrumented = of('second')
  await until('another has asked twice', () => (instrumented?.health().events.resyncs ?? 0) > 2)
  expect(requests.slice(asked)).not.toContain('first')
})

test.each<[string, DockerOptions]>([
  ['stats.intervalMs', { stats: { intervalMs: 10 } }],
  ['stats.concurrency', { stats: { concurrency: 0 } }],
  ['stats.maxContainers', { stats: { maxContainers: 1.5 } }],
  ['stats.label', { stats: { label: '' } }],
  ['timeoutMs', { timeoutMs: Number.NaN }],
  ['maxTypes', { maxTypes: 100_000 }],
])('a wrong %s is refused at once', (name, options) => {
  expect(() => instrumentDocker(new Docker({ socketPath }), options)).toThrow(
    expect.objectContaining({ code: 'TL_DOCKER_OPTION', message: expect.stringContaining(name) }),
  )
})

test('what is no instance of dockerode is refused at once', () => {
  for (const not of [{}, { modem: null }, { modem: { dial: 7 } }])
    expect(() => instrumentDocker(not)).toThrow(expect.objectContaining({ code: 'TL_DOCKER_OPTION' }))
})

test('job types beyond the bound are one, and that is said once', async () => {
  await answering((request, response) => {
    if (request.url?.startsWith('/containers/create')) {
      response.statusCode = 201
      json(response, { Id: 'a' })
    } else response.end('OK')
  })
  const docker = instrument({ stats: false, events: false, maxTypes: 2 })
  for (const type of ['a', 'b', 'c', 'd', 'a', ''])
    await docker.createContainer({ Image: 'x', Labels: { [TYPE]: type } })
  const counts = (await telemetry.points('container.create.duration')).map(({ attributes, count }) => [
    attributes['job.type'],
    count,
  ])
  expect(Object.fromEntries(counts)).toEqual({ a: 2, b: 1, other: 2, none: 1 })
  expect(telemetry.said.filter((line) => line.includes('job types'))).toHaveLength(1)
})
