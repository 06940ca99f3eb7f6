import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/*
 * A TCP proxy for one hop, which can be made to fail as networks do. `up` is the way of the requests, `down` that of the answers.
 *
 * open       Bytes pass.
 * cut        Connections are reset, new ones too.
 * hang       Bytes of the chosen ways are held back; they pass, all of them, when it is over: packets were lost and sent again.
 * half-open  Both ends believe in a connection that no byte passes any more, not even when it is over: the host between them is gone.
 *            Only connections of that time stay so.
 * delay      Each piece waits first.
 * trickle    A byte a second.
 */
export type Way = 'up' | 'down'

export type Fault =
  | { readonly kind: 'open' | 'cut' | 'half-open' }
  | { readonly kind: 'hang' | 'trickle'; readonly ways: readonly Way[] }
  | { readonly kind: 'delay'; readonly ways: readonly Way[]; readonly ms: number }

/** Sees each piece before it goes on; `drop` keeps it. For faults between two messages of a protocol. */
export type Tap = (way: Way, piece: Buffer) => Promise<'pass' | 'drop'> | 'pass' | 'drop'

export interface Hop {
  readonly port: number
  /** Ports of 127.0.0.1 that connections go to in turn; none: as if nobody listened. May be changed at any time. */
  targets: readonly number[]
  readonly fault: Fault
  set(fault: Fault): void
  heal(): void
  tap: Tap | undefined
  /** Connections that are open now. */
  readonly connections: number
  close(): Promise<void>
}

export async function openProxy(...targets: number[]): Promise<Hop> {
  let fault: Fault = { kind: 'open' }
  let changed = Promise.withResolvers<void>()
  let turn = 0
  const sockets = new Set<Socket>()
  /** Sockets of connections that were there while it was half-open. */
  const dead = new WeakSet<Socket>()

  const server = createServer({ allowHalfOpen: true }, (client) => {
    hold(client)
    if (fault.kind === 'cut' || proxy.targets.length === 0) {
      client.resetAndDestroy()
      return
    }
    const port = proxy.targets[turn % proxy.targets.length]!
    turn += 1
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    client.setNoDelay(true)
    hold(upstream)
    if (fault.kind === 'half-open') for (const socket of [client, upstream]) dead.add(socket)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => {
        if (!dead.has(one)) other.destroy()
      })
    }
    void pass(client, upstream, 'up')
    void pass(upstream, client, 'down')
  })

  function hold(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }

  async function pass(from: Socket, to: Socket, way: Way): Promise<void> {
    try {
      for await (const piece of from as AsyncIterable<Buffer>) {
        if (dead.has(from)) continue
        if (proxy.tap !== undefined && (await proxy.tap(way, piece)) === 'drop') continue
        await forward(piece, to, way)
      }
      if (!dead.has(from)) to.end()
    } catch {
      if (!dead.has(from)) to.destroy()
    }
  }

  async function forward(piece: Buffer, to: Socket, way: Way): Promise<void> {
    let rest = piece
    while ('ways' in fault && fault.ways.includes(way)) {
      const now = fault
      if (now.kind === 'delay') {
        await Promise.race([delay(now.ms), changed.promise])
        break
      }
      if (now.kind === 'trickle') {
        to.write(rest.subarray(0, 1))
        rest = rest.subarray(1)
        if (rest.length === 0) return
        await Promise.race([delay(1_000), changed.promise])
      } else await changed.promise
    }
    if (dead.has(to) || to.destroyed) return
    if (!to.write(rest)) await Promise.race([once(to, 'drain'), once(to, 'close')])
  }

  const proxy: Hop = {
    port: 0,
    targets,
    get fault() {
      return fault
    },
    set(next) {
      fault = next
      if (next.kind === 'cut') for (const socket of sockets) socket.resetAndDestroy()
      if (next.kind === 'half-open') for (const socket of sockets) dead.add(socket)
      changed.resolve()
      changed = Promise.withResolvers()
    },
    heal: () => proxy.set({ kind: 'open' }),
    tap: undefined,
    get connections() {
      return sockets.size / 2
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(proxy, { port: (server.address() as AddressInfo).port })
}
