import { createServer, request, type Server } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type Docker from 'dockerode'

export interface SlowEngine {
  /** For DOCKER_HOST. */
  readonly host: string
  close(): Promise<void>
}

/**
 * An engine that is slow to create containers: takes the calls of a Docker client at a socket of its own and hands them on to the real engine,
 * the creation of a container `delayMs` later.
 */
export async function slowEngine(options: {
  /** Where the real engine is, as the client knows it. */
  engine: Pick<Docker.DockerOptions, 'socketPath' | 'host' | 'port'>
  socketPath: string
  delayMs: number
}): Promise<SlowEngine> {
  const { engine, socketPath, delayMs } = options
  const server: Server = createServer(async (asked, answer) => {
    if (asked.method === 'POST' && /\/containers\/create\b/.test(asked.url ?? '')) await pause(delayMs)
    const { method, url: path, headers } = asked
    const handed = request({ ...engine, method, path, headers, agent: false }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      // A `wait` has its head long before its body.
      answer.flushHeaders()
      got.pipe(answer)
      got.on('error', () => answer.destroy())
    })
    handed.on('error', () => answer.destroy())
    answer.on('close', () => handed.destroy())
    asked.pipe(handed)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(socketPath, resolve)
  })
  return {
    host: `unix://${socketPath}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
