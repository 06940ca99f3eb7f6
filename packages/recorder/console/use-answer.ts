import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Client } from '../src/client.js'
import { isRefused, useSession } from './session.js'

export type Answer<T> = {
  /** The last answer: it stays while the next one is asked for, and when that fails. */
  data: T | undefined
  error: unknown
  loading: boolean
  /** When `data` came, ms since 1970. */
  at: number | undefined
  reload: () => void
}

type Ask<T> = (client: Client, signal: AbortSignal) => Promise<T>
type State<T> = { key: string; data?: T; error?: unknown; loading: boolean; at?: number }

/**
 * Asks once, and again every `everyMs` while the page can be seen. `key` says what is asked for: another one takes the
 * old answer from the screen.
 */
export const useAnswer = <T>(key: string, ask: Ask<T>, everyMs?: number): Answer<T> => {
  const { client, expire } = useSession()
  const [state, setState] = useState<State<T>>({ key, loading: true })
  const [turn, setTurn] = useState(0)
  const latest = useRef(ask)
  latest.current = ask

  useEffect(() => {
    const ending = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = (): void => {
      if (everyMs === undefined || ending.signal.aborted) return
      timer = setTimeout(() => (document.hidden ? again() : void run()), everyMs)
    }
    const run = async (): Promise<void> => {
      setState((before) => (before.key === key ? { ...before, loading: true } : { key, loading: true }))
      try {
        const data = await latest.current(client, ending.signal)
        if (!ending.signal.aborted) setState({ key, data, loading: false, at: Date.now() })
      } catch (error) {
        if (ending.signal.aborted) return
        if (isRefused(error)) return expire()
        setState((before) => ({ ...before, key, error, loading: false }))
      }
      again()
    }
    void run()
    return () => {
      ending.abort()
      clearTimeout(timer)
    }
  }, [key, everyMs, client, turn])

  const reload = useCallback(() => setTurn((before) => before + 1), [])
  const current = state.key === key ? state : { loading: true }
  return { data: undefined, error: undefined, at: undefined, ...current, reload } as Answer<T>
}
