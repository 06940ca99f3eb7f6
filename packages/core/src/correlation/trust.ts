import type { BlockList } from 'node:net'
import { notice } from '../notice.js'

/** What of a request a policy sees: the shape of Node's IncomingMessage. */
export interface PeerRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined
}

/**
 * Whose correlation ID, trace context and baggage are taken over. By the address of the peer at the other end of the socket, never by a
 * header such as X-Forwarded-For, which anyone can write: `true` everybody, `false` nobody, `loopback`, `private` (loopback, RFC 1918,
 * link-local and unique local addresses), a list of these words, addresses and CIDR ranges, or a function.
 */
export type Trust = boolean | 'loopback' | 'private' | readonly string[] | ((request: PeerRequest) => boolean)

export type PeerTest = (request: PeerRequest) => boolean

/** A service's neighbours are on private addresses, strangers are not; docs/decisions/0010. */
export const DEFAULT_TRUST = 'private'

const RANGES: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: [
    '127.0.0.0/8',
    '::1/128',
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    'fe80::/10',
    'fc00::/7',
  ],
}

/** @throws TypeError for anything that is no policy, naming the part that is wrong. */
export function peerTest(trust: Trust): PeerTest {
  if (typeof trust === 'boolean') return () => trust
  if (typeof trust === 'function') return guarded(trust)
  const words: unknown = typeof trust === 'string' ? [trust] : trust
  if (!Array.isArray(words)) throw new TypeError(`trust: ${String(trust)} is no policy`)
  // Taken when first needed: `node:net` costs a process that never asks three milliseconds of its start.
  const { BlockList, isIP } = process.getBuiltinModule('node:net')
  const list = new BlockList()
  for (const word of words) {
    for (const range of RANGES[word as string] ?? [String(word)]) addRange(list, range, isIP)
  }
  return ({ socket }) => {
    // IPv6 scope: `fe80::1%eth0`.
    const address = socket?.remoteAddress?.split('%', 1)[0]
    const family = address === undefined ? 0 : isIP(address)
    return family !== 0 && list.check(address!, family === 6 ? 'ipv6' : 'ipv4')
  }
}

function addRange(list: BlockList, range: string, isIP: (text: string) => number): void {
  const [address = '', bits, ...rest] = range.split('/')
  const family = isIP(address)
  const most = family === 6 ? 128 : 32
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
  if (family === 0 || rest.length > 0 || prefix < 0 || prefix > most) {
    throw new TypeError(
      `trust: '${range}' is neither loopback, private, an address nor a range such as 10.0.0.0/8`,
    )
  }
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
}

/** A policy that throws trusts nobody, and the request goes on. */
function guarded(trust: (request: PeerRequest) => boolean): PeerTest {
  return (request) => {
    try {
      return trust(request) === true
    } catch (problem) {
      notice('internal_error', 'trust', problem)
      return false
    }
  }
}
