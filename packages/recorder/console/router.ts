import { useEffect, useState } from 'preact/hooks'

/** What stands behind the `#`: it never leaves the browser, so an ID in it is in no access log. */
export type Route = { page: string; id: string | undefined; params: URLSearchParams }

const routeOf = (hash: string): Route => {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s)
  const [page = '', ...rest] = path.split('/')
  const id = rest.join('/')
  return { page, id: id === '' ? undefined : decoded(id), params: new URLSearchParams(search) }
}

const tokenPattern = /^tl_(?:read|admin)_[A-Za-z0-9_-]{43}$/

/**
 * The token of a link such as `#/value?token=tl_read_…`. It leaves the address before anything else happens, whatever it is: an address is
 * copied, sent around and kept in the history.
 */
export const takeToken = (): string | undefined => {
  const route = routeOf(location.hash)
  const token = route.params.get('token')
  if (token === null) return undefined
  history.replaceState(history.state, '', linkWith(route, { token: null }))
  return tokenPattern.test(token) ? token : undefined
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

type Params = Record<string, string | number | null | undefined>

/** The address of a page; what is null or undefined is left out. */
export const linkTo = (page: string, params: Params = {}, id?: string): string => {
  const kept = Object.entries(params).filter(([, value]) => value !== null && value !== undefined)
  const search = new URLSearchParams(kept.map(([name, value]): [string, string] => [name, String(value)]))
  const path = id === undefined ? page : `${page}/${encodeURIComponent(id)}`
  return `#/${path}${kept.length === 0 ? '' : `?${search}`}`
}

export const linkToId = (correlationId: string): string => linkTo('id', {}, correlationId)

export const go = (link: string): void => {
  location.hash = link
}

/** The same page with other parameters; null takes one away. */
export const linkWith = ({ page, id, params }: Route, changes: Params): string =>
  linkTo(page, { ...Object.fromEntries(params), ...changes }, id)

export const useRoute = (): Route => {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  useEffect(() => {
    const follow = (): void => setRoute(routeOf(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return route
}
