/** What came back from an address: an answer, or the reason why there is none. */
export type Answer =
  | { readonly silence: string; readonly tookMs: number }
  | {
      readonly silence?: undefined
      readonly status: number
      /** Without its parameters; empty when there is none. */
      readonly type: string
      readonly text: string
      readonly tookMs: number
    }

export interface Question {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** More is no answer to any question of ours. */
const maxBytes = 32 * 1024 * 1024

/** Asks once. Never rejects and never takes longer than `timeoutMs`, the body included. */
export async function ask(target: string, question: Question): Promise<Answer> {
  const { method = 'GET', headers = {}, body, timeoutMs, signal } = question
  const began = performance.now()
  const took = () => performance.now() - began
  const late = AbortSignal.timeout(timeoutMs)
  try {
    const { url, authorization } = withoutPassword(target)
    const response = await fetch(url, {
      method,
      headers: { ...authorization, ...headers },
      // Copied: what fetch takes must not lie in shared memory.
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      // A token is not carried elsewhere.
      redirect: 'manual',
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    })
    const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
    return { status: response.status, type, text: await textOf(response), tookMs: took() }
  } catch (error) {
    const slow = late.aborted ? `no answer within ${(timeoutMs / 1_000).toFixed(1)} s` : undefined
    return { silence: slow ?? reasonOf(error), tookMs: took() }
  }
}

/** The JSON object of an answer; undefined for anything else. */
export function jsonOf(answer: Answer): Record<string, unknown> | undefined {
  if (answer.silence !== undefined) return undefined
  try {
    const value: unknown = JSON.parse(answer.text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** `it answers 404 text/html`: what came instead of what was expected. */
export function otherwise(answer: Answer): string {
  if (answer.silence !== undefined) return answer.silence
  return `it answers ${[answer.status, answer.type].filter((part) => part !== '').join(' ')}`
}

/** fetch refuses a URL with a password; the header says the same. */
function withoutPassword(target: string): { url: URL; authorization: Record<string, string> } {
  const url = new URL(target)
  if (url.username === '' && url.password === '') return { url, authorization: {} }
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  url.username = ''
  url.password = ''
  return { url, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new Error(`its answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const words: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
  ECONNRESET: 'the connection was cut (ECONNRESET)',
  UND_ERR_SOCKET: 'the connection was cut',
  ENOTFOUND: 'its name is not known (ENOTFOUND)',
  EAI_AGAIN: 'its name cannot be looked up (EAI_AGAIN)',
  EHOSTUNREACH: 'no way leads there (EHOSTUNREACH)',
  ENETUNREACH: 'no way leads there (ENETUNREACH)',
  ERR_INVALID_URL: 'it is no URL',
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
  if (code !== undefined) return words[code] ?? `${(cause as Error).message} (${code})`
  return cause instanceof Error ? cause.message : String(cause)
}
