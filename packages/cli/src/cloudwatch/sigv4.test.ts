import { describe, expect, it } from 'vitest'
import { type SignedRequest, verifySigV4 } from './sigv4.js'

// The worked examples that AWS publishes: the signatures are theirs, so they check the verifier and not its mirror image.
const suite = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
  now: Date.parse('2015-08-30T12:36:00Z'),
}
const none = new Uint8Array()

function authorization(signature: string, signedHeaders = 'host;x-amz-date', service = 'service'): string {
  return `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/${service}/aws4_request, SignedHeaders=${signedHeaders}, Signature=${signature}`
}

function request(signature: string, overrides: Partial<SignedRequest> = {}): SignedRequest {
  return {
    method: 'GET',
    target: '/',
    rawHeaders: [
      'Host',
      'example.amazonaws.com',
      'X-Amz-Date',
      '20150830T123600Z',
      'Authorization',
      authorization(signature),
    ],
    body: none,
    ...overrides,
  }
}

const vanilla = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'

describe('a request signed as in the AWS examples is accepted', () => {
  it.each([
    ['get-vanilla', request(vanilla)],
    [
      'get-vanilla-query-order-key-case',
      request('b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500', {
        target: '/?Param2=value2&Param1=value1',
      }),
    ],
    [
      'post-vanilla',
      request('5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b', { method: 'POST' }),
    ],
    [
      'post-header-key-sort',
      request('', {
        method: 'POST',
        rawHeaders: [
          'My-Header1',
          'value1',
          'Host',
          'example.amazonaws.com',
          'X-Amz-Date',
          '20150830T123600Z',
          'Authorization',
          authorization(
            'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
            'host;my-header1;x-amz-date',
          ),
        ],
      }),
    ],
  ])('%s', (_name, signed) => {
    expect(verifySigV4(signed, suite)).toEqual({ ok: true })
  })

  it('ListUsers of the IAM documentation, with a query and a content type', () => {
    const signed = request('', {
      target: '/?Action=ListUsers&Version=2010-05-08',
      rawHeaders: [
        'Host',
        'iam.amazonaws.com',
        'Content-Type',
        'application/x-www-form-urlencoded; charset=utf-8',
        'X-Amz-Date',
        '20150830T123600Z',
        'Authorization',
        authorization(
          '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
          'content-type;host;x-amz-date',
          'iam',
        ),
      ],
    })
    expect(verifySigV4(signed, { ...suite, service: 'iam' })).toEqual({ ok: true })
  })
})

describe('a request that is not what was signed is refused with the reason', () => {
  const code = (signed: SignedRequest, expected = {}) => {
    const verdict = verifySigV4(signed, { ...suite, ...expected })
    return verdict.ok ? 'accepted' : verdict.code
  }
  const without = (name: string) => {
    const { rawHeaders } = request(vanilla)
    const at = rawHeaders.indexOf(name)
    return { rawHeaders: [...rawHeaders.slice(0, at), ...rawHeaders.slice(at + 2)] }
  }

  it('no signature', () =>
    expect(code(request(vanilla, without('Authorization')))).toBe('MissingAuthenticationToken'))
  it('no date', () => expect(code(request(vanilla, without('X-Amz-Date')))).toBe('IncompleteSignature'))
  it('no host', () => expect(code(request(vanilla, without('Host')))).toBe('SignatureDoesNotMatch'))
  it('a signature that is no hash', () => expect(code(request('00'))).toBe('IncompleteSignature'))
  it('another secret', () =>
    expect(code(request(vanilla), { secretAccessKey: 'guess' })).toBe('SignatureDoesNotMatch'))
  it('another access key', () =>
    expect(code(request(vanilla), { accessKeyId: 'AKIDOTHER' })).toBe('InvalidClientTokenId'))
  it('another region', () =>
    expect(code(request(vanilla), { region: 'eu-west-1' })).toBe('SignatureDoesNotMatch'))
  it('another service', () =>
    expect(code(request(vanilla), { service: 'monitoring' })).toBe('SignatureDoesNotMatch'))
  it('another method', () => expect(code(request(vanilla, { method: 'POST' }))).toBe('SignatureDoesNotMatch'))
  it('another path', () => expect(code(request(vanilla, { target: '/x' }))).toBe('SignatureDoesNotMatch'))
  it('another body', () =>
    expect(code(request(vanilla, { body: Buffer.from('x') }))).toBe('SignatureDoesNotMatch'))
  it('15 minutes old is in time, one second more is not', () => {
    expect(code(request(vanilla), { now: suite.now + 900_000 })).toBe('accepted')
    expect(code(request(vanilla), { now: suite.now + 901_000 })).toBe('RequestExpired')
    expect(code(request(vanilla), { now: suite.now - 901_000 })).toBe('RequestExpired')
  })
  it('an x-amz header that was added on the way', () => {
    const { rawHeaders } = request(vanilla)
    expect(code(request(vanilla, { rawHeaders: [...rawHeaders, 'X-Amz-Target', 'x'] }))).toBe(
      'SignatureDoesNotMatch',
    )
  })
  it('a declared body hash that is not the hash of the body', () => {
    const { rawHeaders } = request(vanilla)
    const declared = authorization(vanilla, 'host;x-amz-content-sha256;x-amz-date')
    const headers = [...rawHeaders.slice(0, 5), declared, 'X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD']
    expect(code(request(vanilla, { rawHeaders: headers }))).toBe('SignatureDoesNotMatch')
  })
})
