import { ContainerError } from './errors.js'

/** As much of the answer to `GET /containers/{id}/json` as tells how the container ended. */
export interface Inspected {
  State?: {
    Status?: string
    Running?: boolean
    OOMKilled?: boolean
    ExitCode?: number
    Error?: string
    StartedAt?: string
  }
}

/** What Go writes for a time that never was. */
const NEVER = '0001-01-01T00:00:00Z'

/** Codes of Node for a socket that cannot be opened or that broke, and of its HTTP parser for an answer that is no HTTP. */
const TRANSPORT =
  /^(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOENT|ENOTSOCK|EACCES|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EPROTO|HPE_.*|ERR_TLS_.*|ERR_SSL_.*|CERT_.*|DEPTH_.*|UNABLE_TO_.*|SELF_SIGNED_.*)$/

/**
 * How a container that has ended failed, from its inspection: undefined if it has not, or runs still.
 * A kill for memory that the container's first process outlived with exit code 0 is no failure of the job: the shell of
 * `sh -c 'a; b'` goes on after `a` was killed.
 */
export function containerFailure(inspected: Inspected | undefined): ContainerError | undefined {
  const state = inspected?.State
  if (state === undefined || state.Running === true) return undefined
  const exitCode = state.ExitCode ?? 0
  const said = state.Error ?? ''
  if (said !== '' && (state.StartedAt === undefined || state.StartedAt === NEVER))
    return new ContainerError('StartFailed', said, { exitCode })
  if (exitCode === 0) return undefined
  if (state.OOMKilled === true)
    return new ContainerError('OomKilled', 'killed by the kernel: it needed more memory than its limit', {
      exitCode,
    })
  const why = said === '' ? '' : `: ${said}`
  return new ContainerError('ExitCode', `exit code ${exitCode}${why}`, { exitCode })
}

/**
 * The class of a failure that the client reported: an error of dockerode, or a line `{ error }` of the progress of a pull. What is none of
 * the classes comes back as it is.
 */
export function dockerFailure<Thrown>(
  thrown: Thrown,
  during: 'pull' | 'create' | 'start' | 'wait',
): ContainerError | Thrown {
  if (thrown instanceof ContainerError) return thrown
  const { code, name, statusCode, message } = factsOf(thrown)
  const as = (className: ContainerError['name']) =>
    new ContainerError(className, message, {
      cause: thrown,
      ...(statusCode === undefined ? {} : { statusCode }),
    })
  if (statusCode === undefined && code !== undefined && TRANSPORT.test(code)) return as('EngineUnreachable')
  if (during === 'wait') {
    if (name === 'AbortError' || name === 'TimeoutError') return as('JobTimeout')
    return statusCode === 404 ? as('ContainerGone') : thrown
  }
  // The engine's own words: they are the same since 1.24, and a status alone does not tell an image from a network that is missing.
  const noImage = /no such image|manifest .*(?:unknown|not found)|repository .*not found|pull access denied/i
  if (during === 'pull') return statusCode === 404 || noImage.test(message) ? as('ImageNotFound') : thrown
  if (statusCode === undefined) return thrown
  if (during === 'create') return as(noImage.test(message) ? 'ImageNotFound' : 'CreateRefused')
  return statusCode === 404 && /no such container/i.test(message) ? as('ContainerGone') : as('StartFailed')
}

interface Facts {
  code: string | undefined
  name: string | undefined
  statusCode: number | undefined
  message: string
}

function factsOf(thrown: unknown): Facts {
  if (typeof thrown !== 'object' || thrown === null)
    return { code: undefined, name: undefined, statusCode: undefined, message: String(thrown) }
  const { code, name, statusCode, message, error } = thrown as Record<string, unknown>
  return {
    code: typeof code === 'string' ? code : undefined,
    name: typeof name === 'string' ? name : undefined,
    statusCode: typeof statusCode === 'number' ? statusCode : undefined,
    message: typeof message === 'string' ? message.trim() : typeof error === 'string' ? error : 'unknown',
  }
}
