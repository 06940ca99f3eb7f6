import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { decodeMetrics, decodeTraces, type ResourceSpans, type Span } from '@throughline/otlp'

type ResourceMetrics = ReturnType<typeof decodeMetrics>[number]

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly bytes: number
  /** What it was answered with; 0: not at all. */
  readonly status: number
  readonly traces: ResourceSpans[]
  readonly metrics: ResourceMetrics[]
}

/** A status, a status with headers, or silence. */
export type Answer = number | { status: number; headers?: Record<string, string> } | 'hang'

type Confirmed = number | { ranges: [number, number][]; truncated?: boolean }

export interface Receiver {
  readonly url: string
  readonly port: number
  readonly requests: Received[]
  /** Empty requests for traces, which ask only whether somebody is there; they are answered by `probeAnswer` and not listed. */
  readonly probes: Omit<Received, 'status'>[]
  probeAnswer: Answer
  /** Decides the answer of each request from now on. */
  answer: (request: Omit<Received, 'status'>) => Answer
  /** What the recorder of this receiver has of an instance: the answer of `/v1/confirm`. Not set: 404. */
  confirm: ((instance: string, after: number) => Confirmed) | undefined
  /** Questions for confirmation, with their tokens. */
  readonly questions: { instance: string; after: number; authorization: string | undefined }[]
  /** Spans of answered-with-200 requests, of one scope. */
  spans(scope: string): Span[]
  /** Operation records, acknowledged. */
  records(): Span[]
  /** What instances said of their start and stop, acknowledged. */
  lifecycle(): Span[]
  /** Metric requests that held this scope. */
  metricsOf(scope: string): Received[]
  close(): Promise<void>
}

/** A real OTLP/HTTP receiver on loopback. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const requests: Received[] = []
  const probes: Omit<Received, 'status'>[] = []
  const questions: Receiver['questions'] = []
  const server = createServer(async (request, response) => {
    const asked = new URL(request.url ?? '', 'http://receiver')
    if (asked.pathname === '/v1/confirm') {
      const instance = asked.searchParams.get('instance') ?? ''
      const after = Number(asked.searchParams.get('after') ?? 0)
      questions.push({ instance, after, authorization: request.headers.authorization })
      const said = receiver.confirm?.(instance, after) ?? 404
      const status = typeof said === 'number' ? said : 200
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(typeof said === 'number' ? {} : { instance, ...said }))
      return
    }
    const body = await buffer(request).catch(() => undefined)
    if (body === undefined) return
    const path = request.url ?? ''
    const format = request.headers['content-type'] === 'application/json' ? 'json' : 'protobuf'
    const received = {
      path,
      headers: request.headers,
      bytes: body.byteLength,
      traces: path === '/v1/traces' ? decodeTraces(body, format) : [],
      metrics: path === '/v1/metrics' ? decodeMetrics(body, format) : [],
    }
    const isProbe = path === '/v1/traces' && body.byteLength === 0
    const answer = isProbe ? receiver.probeAnswer : receiver.answer(received)
    const { status, headers } =
      answer === 'hang'
        ? { status: 0, headers: {} }
        : typeof answer === 'number'
          ? { status: answer, headers: {} }
          : answer
    if (isProbe) probes.push(received)
    else requests.push({ ...received, status })
    if (status !== 0) response.writeHead(status, headers).end()
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const at = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${at.port}`,
    port: at.port,
    requests,
    probes,
    probeAnswer: 200,
    confirm: undefined,
    questions,
    answer: () => 200,
    spans: (scope) =>
      requests
        .filter((one) => one.status === 200)
        .flatMap((one) => one.traces)
        .flatMap((one) => one.scopes)
        .filter((one) => one.scope.name === scope)
        .flatMap((one) => one.spans),
    records: () => receiver.spans('throughline.operations').filter((one) => !isLifecycle(one)),
    lifecycle: () => receiver.spans('throughline.operations').filter(isLifecycle),
    metricsOf: (scope) =>
      requests.filter((one) =>
        one.metrics.some((each) => each.scopes.some(({ scope: { name } }) => name === scope)),
      ),
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  return receiver
}

function isLifecycle({ attributes }: Span): boolean {
  return attributes['throughline.lifecycle'] !== undefined
}
