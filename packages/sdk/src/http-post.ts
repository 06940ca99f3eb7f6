import { Agent as HttpAgent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'

/** The answer of one request. `retryAfterMs` is set when the server asked for it. */
export interface Answer {
  readonly status: number
  readonly retryAfterMs: number | undefined
  /** Of a POST the first 2,048 characters. */
  readonly body: string
}

/** Keep-alive, one socket: our requests follow one another, and a second socket would only hide that the first one hangs. */
const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 4 })
const httpsAgent = new HttpsAgent({ keepAlive: true, maxSockets: 4 })

/** A refusal is said in few words; an answer that was asked for is read up to here. */
const MAX_REASON = 2_048
const MAX_ANSWER = 2 ** 20

/** Sends bytes; rejects when no answer came in `timeoutMs`. Our own traffic makes no spans, and holds no process alive. */
export function post(
  target: string,
  body: Uint8Array,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<Answer> {
  const all = { 'content-type': 'application/x-protobuf', ...headers, 'content-length': body.byteLength }
  return send({ target, method: 'POST', headers: all, body, timeoutMs, maxAnswer: MAX_REASON })
}

/** Asks; rejects when no answer came in `timeoutMs`. */
export function get(target: string, headers: Record<string, string>, timeoutMs: number): Promise<Answer> {
  return send({ target, method: 'GET', headers, body: undefined, timeoutMs, maxAnswer: MAX_ANSWER })
}

interface Sending {
  readonly target: string
  readonly method: 'GET' | 'POST'
  readonly headers: OutgoingHttpHeaders
  readonly body: Uint8Array | undefined
  readonly timeoutMs: number
  readonly maxAnswer: number
}

function send(sending: Sending): Promise<Answer> {
  return context.with(suppressTracing(ROOT_CONTEXT), () => sendUntraced(sending))
}

function sendUntraced({ target, method, headers, body, timeoutMs, maxAnswer }: Sending): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const secure = target.startsWith('https:')
    const request = (secure ? httpsRequest : httpRequest)(target, {
      method,
      agent: secure ? httpsAgent : httpAgent,
      headers,
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
        if (text.length < maxAnswer) text += chunk
      })
      response.on('error', (error) => {
        clearTimeout(deadline)
        reject(error)
      })
      response.on('end', () => {
        clearTimeout(deadline)
        resolve({
          status: response.statusCode ?? 0,
          retryAfterMs: retryAfter(response.headers['retry-after']),
          body: text.slice(0, maxAnswer),
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
