import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What a signed request looks like to the verifier; the body is hashed as it was sent (compressed, if it was). */
export interface SignedRequest {
  method: string
  /** Path and query as on the request line. */
  target: string
  /** Alternating names and values, as `IncomingMessage.rawHeaders` has them: duplicates and their order count. */
  rawHeaders: readonly string[]
  body: Uint8Array
}

interface SigV4Expectation {
  accessKeyId: string
  secretAccessKey: string
  region: string
  service: string
  /** Milliseconds since the epoch. Default: now. */
  now?: number
  /** Largest difference between the request's date and `now`, in ms. Default 15 min, as AWS has it. */
  maxSkewMs?: number
}

/** Names as AWS uses them, so that a client's own error text is recognisable. */
type SigV4Refusal =
  | 'MissingAuthenticationToken'
  | 'IncompleteSignature'
  | 'InvalidClientTokenId'
  | 'RequestExpired'
  | 'SignatureDoesNotMatch'

type SigV4Verdict = { ok: true } | { ok: false; code: SigV4Refusal; message: string }

const algorithm = 'AWS4-HMAC-SHA256'
const fifteenMinutesMs = 15 * 60 * 1000

/** Checks the header form of AWS Signature Version 4. Never throws; a refusal names its reason. */
export function verifySigV4(request: SignedRequest, expected: SigV4Expectation): SigV4Verdict {
  const headers = collectHeaders(request.rawHeaders)
  const authorization = headers.get('authorization')
  if (authorization === undefined) return refuse('MissingAuthenticationToken', 'The request is not signed.')
  const parsed = parseAuthorization(authorization)
  if (typeof parsed === 'string') return refuse('IncompleteSignature', parsed)

  const scope = `${parsed.date}/${expected.region}/${expected.service}/aws4_request`
  if (parsed.accessKeyId !== expected.accessKeyId)
    return refuse('InvalidClientTokenId', 'The access key ID in the request is not known here.')
  if (parsed.scope !== scope)
    return refuse('SignatureDoesNotMatch', `Credential scope is ${parsed.scope}, expected ${scope}.`)

  const amzDate = headers.get('x-amz-date')
  const sentAt = amzDate === undefined ? undefined : parseAmzDate(amzDate)
  if (amzDate === undefined || sentAt === undefined)
    return refuse('IncompleteSignature', 'X-Amz-Date is missing or not of the form YYYYMMDDTHHMMSSZ.')
  if (!amzDate.startsWith(parsed.date))
    return refuse('SignatureDoesNotMatch', 'X-Amz-Date is not of the day that the credential scope names.')
  const skewMs = Math.abs((expected.now ?? Date.now()) - sentAt)
  if (skewMs > (expected.maxSkewMs ?? fifteenMinutesMs))
    return refuse('RequestExpired', `X-Amz-Date is ${Math.round(skewMs / 1000)} s away from this clock.`)

  // A header that is not signed could be changed on the way; these are the ones that carry meaning here.
  for (const name of headers.keys()) {
    if ((name === 'host' || name.startsWith('x-amz-')) && !parsed.signedHeaders.includes(name))
      return refuse('SignatureDoesNotMatch', `The header ${name} must be signed.`)
  }
  const missing = parsed.signedHeaders.find((name) => !headers.has(name))
  if (missing !== undefined)
    return refuse('SignatureDoesNotMatch', `The signed header ${missing} is missing.`)

  const bodyHash = sha256(request.body)
  const declaredHash = headers.get('x-amz-content-sha256')
  if (declaredHash !== undefined && declaredHash !== bodyHash)
    return refuse('SignatureDoesNotMatch', 'X-Amz-Content-Sha256 is not the hash of the body.')

  const canonical = canonicalRequest(request, headers, parsed.signedHeaders, bodyHash)
  const toSign = [algorithm, amzDate, scope, sha256(canonical)].join('\n')
  const key = signingKey(expected.secretAccessKey, parsed.date, expected.region, expected.service)
  const wanted = createHmac('sha256', key).update(toSign).digest()
  const given = Buffer.from(parsed.signature, 'hex')
  if (!timingSafeEqual(wanted, given))
    return refuse('SignatureDoesNotMatch', 'The signature is not the one that this secret key gives.')
  return { ok: true }
}

function refuse(code: SigV4Refusal, message: string): SigV4Verdict {
  return { ok: false, code, message }
}

interface Authorization {
  accessKeyId: string
  date: string
  scope: string
  signedHeaders: string[]
  signature: string
}

function parseAuthorization(value: string): Authorization | string {
  const match =
    /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/((\d{8})\/[^,\s]+),\s*SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})$/.exec(
      value.trim(),
    )
  if (!match)
    return 'Authorization is not of the form AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=….'
  const [, accessKeyId = '', scope = '', date = '', signed = '', signature = ''] = match
  const signedHeaders = signed.split(';')
  if (!signedHeaders.includes('host')) return 'The host header must be signed.'
  return { accessKeyId, date, scope, signedHeaders, signature }
}

function parseAmzDate(value: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(value)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second] = match
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? undefined : time
}

function collectHeaders(rawHeaders: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    const value = rawHeaders[i + 1]!.trim().replace(/\s+/g, ' ')
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

function canonicalRequest(
  request: SignedRequest,
  headers: Map<string, string>,
  signedHeaders: readonly string[],
  bodyHash: string,
): string {
  const questionMark = request.target.indexOf('?')
  const path = questionMark < 0 ? request.target : request.target.slice(0, questionMark)
  const query = questionMark < 0 ? '' : request.target.slice(questionMark + 1)
  const names = [...signedHeaders].sort()
  return [
    request.method,
    // The path is on the wire in encoded form already; all services but S3 encode it once more.
    path.split('/').map(encode).join('/') || '/',
    canonicalQuery(query),
    ...names.map((name) => `${name}:${headers.get(name) ?? ''}`),
    '',
    names.join(';'),
    bodyHash,
  ].join('\n')
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  const pairs = query.split('&').map((pair) => {
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    const value = equals < 0 ? '' : pair.slice(equals + 1)
    return [encode(decode(name)), encode(decode(value))] as const
  })
  pairs.sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  let key = Buffer.from(`AWS4${secret}`)
  for (const part of [date, region, service, 'aws4_request'])
    key = createHmac('sha256', key).update(part).digest()
  return key
}
