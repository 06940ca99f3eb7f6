import { createContext } from 'preact'
import { useCallback, useContext, useEffect, useMemo, useState } from 'preact/hooks'
import { ApiError, type Client, createClient, type SessionAnswer } from '../src/client.js'
import { takeToken } from './router.js'

export type Session = SessionAnswer & {
  client: Client
  signOut: () => void
  /** The recorder no longer takes the token: what was on the screen may not stay there. */
  expire: () => void
}

export type SessionState =
  | { phase: 'asking' }
  | { phase: 'signed out'; notice: string | undefined }
  | { phase: 'signed in'; session: Session }

// A tab's own memory, not a cookie: docs/decisions/0018-console.md.
const key = 'throughline.token'

const over = 'Your token is not valid any more. Sign in with another one.'
const linkOver = 'The token of this link is not valid, or not any more. Sign in with another one.'

/**
 * Asks with the token of the link that led here, else with the one that the tab remembers, else without one: a recorder whose auth is off
 * needs none.
 */
export const useSessionState = (): [SessionState, (token: string) => Promise<string | undefined>] => {
  const [state, setState] = useState<SessionState>({ phase: 'asking' })
  // In the first render: nothing is asked for, or shown, with the token in the address.
  const [given] = useState(takeToken)

  const leave = useCallback((notice?: string) => {
    sessionStorage.removeItem(key)
    setState({ phase: 'signed out', notice })
  }, [])

  const enter = useCallback(
    async (token: string | undefined): Promise<void> => {
      const client = createClient({ url: '', token })
      const answer = await client.session()
      if (token !== undefined) sessionStorage.setItem(key, token)
      setState({
        phase: 'signed in',
        session: {
          ...answer,
          client,
          signOut: () => leave(),
          expire: () => leave(over),
        },
      })
    },
    [leave],
  )

  useEffect(() => {
    const begin = async (): Promise<void> => {
      const kept = sessionStorage.getItem(key) ?? undefined
      if (given !== undefined && (await entered(enter(given)))) return
      const notice = given === undefined ? undefined : linkOver
      await enter(kept).catch((error: unknown) => {
        if (kept !== undefined && isRefused(error)) leave(notice ?? over)
        else setState({ phase: 'signed out', notice: isRefused(error) ? notice : textOf(error) })
      })
    }
    void begin()
  }, [enter, leave, given])

  // A link that is pasted into a tab that shows the console loads nothing anew.
  useEffect(() => {
    const follow = (): void => {
      const token = takeToken()
      if (token === undefined) return
      enter(token).catch((error: unknown) =>
        setState((before) =>
          before.phase === 'signed in'
            ? before
            : { phase: 'signed out', notice: isRefused(error) ? linkOver : textOf(error) },
        ),
      )
    }
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [enter])

  const signIn = useCallback(
    (token: string) =>
      enter(token).then(
        () => undefined,
        (error: unknown) => refusalText(error),
      ),
    [enter],
  )
  return useMemo(() => [state, signIn], [state, signIn])
}

const Context = createContext<Session | undefined>(undefined)
export const SessionProvider = Context.Provider

/** For everything below the login. */
export const useSession = (): Session => {
  const session = useContext(Context)
  if (session === undefined) throw new Error('there is no session here')
  return session
}

export const isRefused = (error: unknown): boolean => error instanceof ApiError && error.status === 401

/** False for a token that is refused; what else goes wrong is told by the next question. */
const entered = (entering: Promise<void>): Promise<boolean> =>
  entering.then(
    () => true,
    () => false,
  )

const refusalText = (error: unknown): string => {
  if (isRefused(error)) return 'The recorder does not know this token, or it was revoked or has expired.'
  if (error instanceof ApiError && error.status === 403)
    return 'This token may send records, not read them. A token of role read or admin is needed.'
  return textOf(error)
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
