import { once } from 'node:events'
import { type IncomingHttpHeaders, request as open } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Child, runNode } from '../../../packages/sdk/testing/child.js'
import { until } from '../../../packages/sdk/testing/until.js'

export interface Served extends Child {
  readonly port: number
  /** Ends it as a supervisor would; resolves when it is gone. */
  stop(): Promise<void>
}

/** Runs a program that serves `PORT`; resolves when it takes connections. */
export async function serve(args: string[], env: Record<string, string> = {}): Promise<Served> {
  const port = await freePort()
  const child = runNode(args, { ...env, PORT: String(port) })
  let over = false
  void child.ended.then(() => {
    over = true
  })
  await until(`${args.at(-1)} listens`, () => {
    if (over) throw new Error(`${args.at(-1)} ended:\n${child.stdout()}${child.stderr()}`)
    return takesConnections(port)
  })
  return {
    ...child,
    port,
    async stop() {
      child.process.kill('SIGTERM')
      await child.ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export interface Answer {
  readonly status: number
  /** Of the answer's header; `undefined` without one, joined by a comma when it came twice. */
  readonly id: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request. Its body leaves when the server asks for it (100-continue): after the handlers have begun. */
export async function ask(
  port: number,
  path: string,
  {
    method = 'POST',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: unknown },
): Promise<Answer> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const request = open({
    host: '127.0.0.1',
    port,
    path,
    method,
    agent: false,
    headers: {
      ...headers,
      ...(payload === undefined
        ? {}
        : {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(payload),
            expect: '100-continue',
          }),
    },
  })
  if (payload === undefined) request.end()
  else {
    request.once('continue', () => request.end(payload))
    request.flushHeaders()
  }
  const [response] = await once(request, 'response')
  return {
    status: response.statusCode,
    id: response.headers['x-correlation-id'],
    headers: response.headers,
    body: await text(response),
  }
}
