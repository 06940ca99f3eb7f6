import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzip } from 'node:zlib'
import { decodeMetrics } from '@throughline/otlp'
import { plural } from '../terminal/plural.js'
import { type CloudWatchPoint, flatten } from './points.js'
import { verifySigV4 } from './sigv4.js'

interface CloudWatchOptions {
  /** 0 takes any free port. */
  port: number
  /** Default `127.0.0.1`. */
  host?: string
  region?: string
  accessKeyId?: string
  secretAccessKey?: string
  /** Points kept; the oldest go first. Default 10,000. */
  maxPoints?: number
  /** Largest body, as sent and after decompression. Default 4 MiB. */
  maxBodyBytes?: number
}

export interface CloudWatch {
  url: string
  /** What it received and still holds, oldest first. */
  points(): CloudWatchPoint[]
  /** How many requests had no valid signature. */
  readonly refused: number
  stop(): Promise<void>
}

/** Credentials of the stand-in when none are given. They open nothing else, so they need not be secret. */
export const demoCredentials = {
  region: 'us-east-1',
  accessKeyId: 'AKIATHROUGHLINEDEMO0',
  secretAccessKey: 'throughline-local-stack-only-not-a-real-secret',
} as const

/**
 * The OTLP metrics endpoint of CloudWatch, for development: checks the SigV4 signature for the service `monitoring` as AWS
 * does, decodes the metrics and shows them at `GET /metrics.json`. Listens on loopback unless told otherwise.
 */
export async function startCloudWatch(options: CloudWatchOptions): Promise<CloudWatch> {
  const { region, accessKeyId, secretAccessKey } = { ...demoCredentials, ...options }
  const { host = '127.0.0.1', maxPoints = 10_000, maxBodyBytes = 4 * 1024 * 1024 } = options
  let points: CloudWatchPoint[] = []
  const refusals: Record<string, number> = {}
  let refused = 0

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, maxBodyBytes)
    if (body === undefined)
      return answer(response, 413, { message: `The body is over ${maxBodyBytes} bytes.` })

    const verdict = verifySigV4(
      { method: 'POST', target: request.url ?? '/', rawHeaders: request.rawHeaders, body },
      { accessKeyId, secretAccessKey, region, service: 'monitoring' },
    )
    if (!verdict.ok) {
      refused++
      refusals[verdict.code] = (refusals[verdict.code] ?? 0) + 1
      response.setHeader('x-amzn-errortype', verdict.code)
      return answer(response, 403, { __type: verdict.code, message: verdict.message })
    }

    const format = formatOf(request.headers['content-type'])
    if (format === undefined)
      return answer(response, 415, { message: 'Send application/x-protobuf or application/json.' })
    const encoding = request.headers['content-encoding'] ?? 'identity'
    if (encoding !== 'gzip' && encoding !== 'identity')
      return answer(response, 415, { message: 'Send gzip or no content encoding.' })

    try {
      const plain = encoding === 'gzip' ? await decompress(body, maxBodyBytes) : body
      const received = flatten(decodeMetrics(plain, format), new Date().toISOString())
      // A loop, because spreading a whole request into push() overflows the stack at some 100,000 points.
      for (const point of received) points.push(point)
      if (points.length > maxPoints) points = points.slice(-maxPoints)
    } catch (error) {
      const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      return answer(response, tooLarge ? 413 : 400, { message: (error as Error).message })
    }
    if (format === 'json') return answer(response, 200, {})
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end()
  }

  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]
    const route = `${request.method} ${path}`
    if (route === 'POST /v1/metrics') {
      receive(request, response).catch(() => response.destroy())
    } else if (route === 'GET /metrics.json') {
      answer(response, 200, { region, refused, refusals, points })
    } else if (route === 'GET /healthz') {
      answer(response, 200, { status: 'ok' })
    } else if (route === 'GET /') {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
      response.end(
        `A stand-in for CloudWatch's OTLP metrics endpoint, region ${region}.\n` +
          `${plural(points.length, 'point')} held, ${plural(refused, 'request')} refused for their signature.\n\n` +
          'POST /v1/metrics    OTLP, signed with SigV4 for the service "monitoring"\n' +
          'GET  /metrics.json  what arrived\n',
      )
    } else {
      answer(response, 404, { message: `There is no ${route} here.` })
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    points: () => [...points],
    get refused() {
      return refused
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}

/**
 * Undefined for a body over the limit. Up to four times the limit is read and thrown away, so that the sender sees the answer
 * and not a broken connection; whoever sends more is cut off.
 */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= maxBytes) chunks.push(chunk)
    else if (size > 4 * maxBytes) throw new Error('body far over the limit')
  }
  return size <= maxBytes ? Buffer.concat(chunks) : undefined
}

function decompress(body: Buffer, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: maxBytes }, (error, plain) => (error ? reject(error) : resolve(plain)))
  })
}

function formatOf(contentType: string | undefined): 'protobuf' | 'json' | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'application/x-protobuf') return 'protobuf'
  if (type === 'application/json') return 'json'
  return undefined
}
