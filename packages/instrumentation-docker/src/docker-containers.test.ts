import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import Docker from 'dockerode'
import { describe, expect, test } from 'vitest'
import { noEngine, ownEngine } from '../../../tests/support/docker-engine.js'
import { useEngine } from '../testing/engine.js'
import { until } from '../testing/until.js'
import { dockerFailure, instrumentDocker } from './index.js'

const missing = await noEngine()

describe.skipIf(missing)('containers of a real docker engine', () => {
  const rig = useEngine({ stats: { intervalMs: 1_000 }, resyncMs: 60_000 })
  const { start } = rig

  test('docker: CPU time of a type is what its containers have used, throttled time what their limit took', async () => {
    const busy = await start('busy', 'while :; do :; done', { NanoCpus: 200_000_000 })
    await start('idle', 'sleep 60')
    await until(
      'CPU time is counted',
      async () => (await rig.telemetry.sum('container.cpu.usage', { 'job.type': 'busy' })) > 0.5,
    )
    await until(
      'the lesser one has figures',
      async () => (await rig.telemetry.points('container.memory.limit', { 'job.type': 'idle' })).length > 0,
    )
    const usage = rig.instrumented.lastUsage(busy.id)
    const counted = await rig.telemetry.sum('container.cpu.usage', { 'job.type': 'busy' })
    // Between the two readings one more sample may have come.
    expect(counted).toBeGreaterThanOrEqual(usage?.cpuSeconds ?? Number.NaN)
    expect(counted).toBeLessThan((usage?.cpuSeconds ?? 0) + 1)
    expect(await rig.telemetry.sum('container.cpu.throttled', { 'job.type': 'busy' })).toBeGreaterThan(0)
    expect(await rig.telemetry.sum('container.cpu.usage', { 'job.type': 'idle' })).toBeLessThan(0.2)
  })

  test('docker: memory is the sum over the running containers of a type; what has ended is not in it', async () => {
    // Shared memory is nobody's page cache: the kernel cannot take it back.
    const held = 'head -c 8000000 /dev/zero > /dev/shm/x; sleep 60'
    const both = [
      await start('memory', held, { Memory: 32 << 20 }),
      await start('memory', held, { Memory: 32 << 20 }),
    ]
    const read = async (name: string) => rig.telemetry.sum(name, { 'job.type': 'memory' })
    await until('both have figures', async () => (await read('container.memory.limit')) === 64 << 20)
    await until('both hold memory', async () => (await read('container.memory.working_set')) > 16_000_000)
    expect(await read('container.memory.usage')).toBeGreaterThanOrEqual(
      await read('container.memory.working_set'),
    )
    expect(await read('container.running')).toBe(2)
    expect(rig.instrumented.lastUsage(both[0]?.id ?? '')).toMatchObject({
      memoryLimitBytes: 32 << 20,
      exitCode: undefined,
      oomKills: 0,
    })
    await both[0]?.kill()
    await until('one is left', async () => (await read('container.running')) === 1)
    expect(await read('container.memory.limit')).toBe(32 << 20)
    const after = rig.instrumented.lastUsage(both[0]?.id ?? '')
    expect(after?.exitCode).toBe(137)
    expect(after?.memoryPeakBytes).toBeGreaterThan(8_000_000)
  })

  test('docker: a kill for memory is counted once, for its type', async () => {
    const container = await start('greedy', 'exec tail /dev/zero', { Memory: 8 << 20, MemorySwap: 8 << 20 })
    await container.wait()
    await until('the kill is counted', async () => (await rig.telemetry.sum('container.oom_kills')) > 0)
    await until('its end was seen', async () => rig.instrumented.health().stats.containers === 0)
    expect(await rig.telemetry.points('container.oom_kills')).toMatchObject([
      { attributes: { 'job.type': 'greedy' }, value: 1 },
    ])
  })

  test('docker: a container without the label is left alone; with `all` it is of type none', async () => {
    await start(undefined, 'sleep 60')
    await start('labelled', 'sleep 60')
    await until('the labelled one is followed', () => rig.instrumented.health().stats.containers > 0)
    expect(
      (await rig.telemetry.points('container.running')).map(({ attributes }) => attributes['job.type']),
    ).toEqual(['labelled'])
    rig.instrumented.close()
    rig.telemetry.reset()
    rig.instrumented = instrumentDocker(rig.docker, { stats: { all: true } })
    await until('both are followed', () => rig.instrumented.health().stats.containers === 2)
    expect((await rig.telemetry.points('container.running', { 'job.type': 'none' }))[0]?.value).toBe(1)
  })

  test('docker: of a container that ran before, only what it uses from now on is counted', async () => {
    rig.instrumented.close()
    const busy = await start('early', 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 60')
    const used = async () => {
      const stats = await rig.docker.getContainer(busy.id).stats({ stream: false })
      return stats.cpu_stats.cpu_usage.total_usage / 1e9
    }
    let before = -1
    await until('it has done its work', async () => {
      const now = await used()
      const done = now > 0.1 && now - before < 0.01
      before = now
      return done
    })
    rig.telemetry.reset()
    rig.instrumented = instrumentDocker(rig.docker, { stats: { intervalMs: 1_000 } })
    await until('it has figures', () => rig.instrumented.lastUsage(busy.id))
    expect(rig.instrumented.lastUsage(busy.id)?.cpuSeconds).toBeGreaterThan(0.1)
    expect(await rig.telemetry.sum('container.cpu.usage', { 'job.type': 'early' })).toBeLessThan(0.1)
  })

  test('docker: a container that somebody else removes is dropped', async () => {
    const container = await start('victim', 'sleep 60')
    await until('it is followed', () => rig.instrumented.health().stats.containers === 1)
    await new Docker(rig.engine.connection).getContainer(container.id).remove({ force: true })
    await until('it is dropped', () => rig.instrumented.health().stats.containers === 0)
    expect(await rig.telemetry.points('container.running')).toEqual([])
    expect(rig.instrumented.health().engine).toBe('up')
  })

  test('docker: at most so many are followed as allowed; the others are counted, and come in when there is room', async () => {
    rig.instrumented.close()
    const containers = await Promise.all(['a', 'b', 'c'].map((type) => start(type, 'sleep 60')))
    rig.instrumented = instrumentDocker(rig.docker, { stats: { maxContainers: 2 }, resyncMs: 1_000 })
    await until('two are followed', () => rig.instrumented.health().stats.containers === 2)
    await until('one is counted as left out', () => rig.instrumented.health().stats.skipped === 1)
    await until('the list was read again', () => rig.instrumented.health().events.resyncs > 2)
    for (const container of containers.slice(0, 2)) await container.kill()
    await until('the rest is followed', () => {
      const { containers: followed, skipped } = rig.instrumented.health().stats
      return followed === 1 && skipped === 0
    })
  })

  test('docker: without events the list alone says what runs', async () => {
    rig.instrumented.close()
    rig.instrumented = instrumentDocker(rig.docker, { stats: { intervalMs: 1_000 }, events: false })
    const container = await start('listed', 'sleep 60')
    await until('it is followed', () => rig.instrumented.health().stats.containers === 1)
    await until('it has figures', () => rig.instrumented.lastUsage(container.id))
    await container.remove({ force: true })
    await until('it is dropped', () => rig.instrumented.health().stats.containers === 0)
    expect(rig.instrumented.health().events).toMatchObject({ following: false, vanished: 1 })
  })
})

describe.skipIf(missing !== undefined || !ownEngine)('a real docker engine that fails', () => {
  const rig = useEngine()
  const { create } = rig
  const begin = () =>
    rig.begin({ stats: { intervalMs: 1_000 }, timeoutMs: 1_000, maxRetryMs: 500, resyncMs: 1_000 })

  test('docker: killed and back: the calls fail with a class, it is said once, and the figures resume', async () => {
    await begin()
    const before = await create('early', 'sleep 300')
    await before.start()
    await until('it has figures', () => rig.instrumented.lastUsage(before.id))
    const waiting = before.wait().catch((error: unknown) => error)

    await rig.engine.kill9()
    expect(dockerFailure(await waiting, 'wait')).toMatchObject({ name: 'EngineUnreachable' })
    await until('it is known', () => rig.instrumented.health().engine === 'unreachable')
    const refused = await create('during', 'exit 0').catch((error: unknown) => error)
    expect(dockerFailure(refused, 'create')).toMatchObject({ name: 'EngineUnreachable' })
    expect(await rig.telemetry.sum('docker.api.errors', { 'error.type': 'ECONNREFUSED' })).toBe(1)

    await rig.engine.restart()
    await until('it is followed again', () => rig.instrumented.health().events.following)
    expect(rig.instrumented.health().engine).toBe('up')
    const after = await create('late', 'sleep 300')
    await after.start()
    await until('the new one has figures', () => rig.instrumented.lastUsage(after.id))
    // The engine ends what ran when it was killed.
    await until('the old one is dropped', () => rig.instrumented.health().stats.containers === 1)
    expect(rig.telemetry.said.filter((line) => line.includes('unreachable:'))).toHaveLength(1)
    expect(rig.telemetry.said.filter((line) => line.includes('answers again'))).toHaveLength(1)
    expect(await rig.telemetry.sum('docker.engine.changes', { 'docker.engine.state': 'unreachable' })).toBe(1)
    expect(await rig.telemetry.sum('docker.api.in_flight')).toBe(0)
    await after.remove({ force: true })
  }, 60_000)

  test('docker: an engine that stands still is slow, and up when it goes on; nothing is asked twice meanwhile', async () => {
    await begin()
    const container = await create('halted', 'sleep 300')
    await container.start()
    await until('it has figures', () => rig.instrumented.lastUsage(container.id))
    rig.engine.halt()
    try {
      await until('it is known', () => rig.instrumented.health().engine === 'slow')
      const { calls } = rig.instrumented.health().stats
      await until('another round has failed', () => rig.instrumented.health().stats.failures > 1)
      // One container: a call a second at the most, each given up after a second.
      expect(rig.instrumented.health().stats.calls - calls).toBeLessThan(5)
    } finally {
      rig.engine.resume()
    }
    await until('it is up', () => rig.instrumented.health().engine === 'up')
    const { sampledAt } = rig.instrumented.lastUsage(container.id) ?? {}
    await until(
      'figures resume',
      () => (rig.instrumented.lastUsage(container.id)?.sampledAt ?? 0) > (sampledAt ?? 0),
    )
    expect(rig.instrumented.health().stats.containers).toBe(1)
    await container.remove({ force: true })
  }, 60_000)

  test('docker: a connection that is lost and back leaves no hole: a kill for memory meanwhile is counted, once', async () => {
    const sockets = new Set<Socket>()
    const { socketPath } = rig.engine.connection as { socketPath: string }
    const proxy = createServer((near) => {
      const far = connect(socketPath)
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => void [near, far].map((one) => one.destroy()))
      }
      near.pipe(far).pipe(near)
    })
    const listen = async (port: number) => {
      await once(proxy.listen(port, '127.0.0.1'), 'listening')
      return (proxy.address() as AddressInfo).port
    }
    const port = await listen(0)
    rig.telemetry.reset()
    rig.docker = new Docker(rig.engine.connection)
    const remote = new Docker({ protocol: 'http', host: '127.0.0.1', port })
    rig.instrumented = instrumentDocker(remote, { timeoutMs: 1_000, maxRetryMs: 200 })
    try {
      await until('the engine is followed', () => rig.instrumented.health().events.resyncs > 0)
      const early = await create('gap', 'sleep 300')
      await early.start()
      await until('it is followed', () => rig.instrumented.health().stats.containers === 1)
      const closed = once(proxy, 'close')
      proxy.close()
      for (const socket of sockets) socket.destroy()
      await closed
      await until('it is known', () => rig.instrumented.health().engine === 'unreachable')
      const killed = await create('gap', 'exec tail /dev/zero', { Memory: 8 << 20, MemorySwap: 8 << 20 })
      await killed.start()
      await killed.wait()
      await early.remove({ force: true })
      const late = await create('gap', 'sleep 300')
      await late.start()
      await listen(port)
      await until('all is known', async () => {
        const { stats, events } = rig.instrumented.health()
        return (
          events.following && stats.containers === 1 && (await rig.telemetry.sum('container.oom_kills')) > 0
        )
      })
      expect(await rig.telemetry.sum('container.oom_kills', { 'job.type': 'gap' })).toBe(1)
      expect(rig.instrumented.health().events.vanished).toBe(0)
      for (const container of [killed, late]) await container.remove({ force: true })
    } finally {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    }
  }, 60_000)
})
