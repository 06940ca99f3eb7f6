import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'

/** The answer of one POST. `retryAfterMs` is set when the server asked for it. */
export interface Answer {
  readonly status: number
  readonly retryAfterMs: number | undefined
  /** The first 2,048 characters. */
  readonly body: string
}

/** Keep-alive, one socket: our requests follow one another, and a second socket would only hide that the first one hangs. */
const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 4 })
const httpsAgent = new HttpsAgent({ keepAlive: true, maxSockets: 4 })

/** Sends bytes; rejects when no answer came in `timeoutMs`. Our own traffic makes no spans, and holds no process alive. */
export function post(
  target: string,
  body: Uint8Array,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<Answer> {
  return context.with(suppressTracing(ROOT_CONTEXT), () => send(target, body, headers, timeoutMs))
}

function send(
  target: string,
  body: Uint8Array,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const secure = target.startsWith('https:')
    const request = (secure ? httpsRequest : httpRequest)(target, {
      method: 'POST',
      agent: secure ? httpsAgent : httpAgent,
      headers: { 'content-type': 'application/x-protobuf', ...headers, 'content-length': body.byteLength },
    })
    const deadline = setTimeout(() => request.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
    deadline.unref()
    request.on('socket', (socket) => socket.unref())
    request.on('error', (error) => {
      clearTimeout(deadline)
      reject(error)
    })
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        if (text.length < 2_048) text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        clearTimeout(deadline)
        resolve({
          status: response.statusCode ?? 0,
          retryAfterMs: retryAfter(response.headers['retry-after']),
          body: text.slice(0, 2_048),
        })
      })
    })
    request.end(body)
  })
}

function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}
