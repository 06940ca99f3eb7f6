/** A host name, optionally with `*.` for every name below it; or an address. Without a port. */
const PATTERN = /^(?:\*\.)?(?:[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)(?:\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/

/**
 * The test of an allow list of hosts: `api.example.com` is itself alone, `*.example.com` every name below `example.com`, IPv6 addresses
 * stand without brackets. An empty list allows none.
 * @throws TypeError for an entry that is no host
 */
export function hostTest(hosts: readonly string[]): (host: string) => boolean {
  const { isIPv6 } = process.getBuiltinModule('node:net')
  const exact = new Set<string>()
  const suffixes: string[] = []
  for (const entry of hosts) {
    const host = typeof entry === 'string' ? entry.toLowerCase() : ''
    if (isIPv6(host)) exact.add(host)
    else if (!PATTERN.test(host))
      throw new TypeError(
        `propagateTo: '${String(entry)}' is no host such as api.example.com or *.example.com; neither a URL nor a port belongs to it`,
      )
    else if (host.startsWith('*.')) suffixes.push(host.slice(1))
    else exact.add(host)
  }
  return (host) => exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix))
}

/** The host of what `http.request` was given: `hostname` counts, else `host`, which may carry a port. */
export function hostOfRequest(options: { hostname?: unknown; host?: unknown }): string | undefined {
  if (typeof options.hostname === 'string' && options.hostname !== '')
    return withoutBrackets(options.hostname)
  if (typeof options.host !== 'string' || options.host === '') return 'localhost'
  return withoutBrackets(options.host.replace(/(^[^:]+|\]):\d+$/, '$1'))
}

/** The host of an origin such as `https://api.example.com:8443`, as undici has it. */
export function hostOfOrigin(origin: unknown): string | undefined {
  try {
    return withoutBrackets(new URL(String(origin)).hostname)
  } catch {
    return undefined
  }
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
