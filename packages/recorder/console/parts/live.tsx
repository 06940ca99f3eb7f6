import { useEffect, useState } from 'preact/hooks'
import type { Figures, Operation, StreamQuery } from '../../src/client.js'
import { known } from '../known.js'
import { isRefused, useSession } from '../session.js'

export type Live = {
  state: 'connecting' | 'live' | 'away'
  recent: Operation[]
  figures: Figures | undefined
}

const kept = 8
const againMs = 3_000

/** What happens now, for as long as the page can be seen. Asks again when the stream ends. */
export const useLive = (query: StreamQuery): Live => {
  const { client, expire } = useSession()
  const [live, setLive] = useState<Live>({ state: 'connecting', recent: [], figures: undefined })
  const { service, operation, operation_service } = query

  useEffect(() => {
    const asked = known({ service, operation, operation_service })
    let ending = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    setLive({ state: 'connecting', recent: [], figures: undefined })

    const follow = async (signal: AbortSignal): Promise<void> => {
      try {
        for await (const event of client.stream(asked, { signal })) {
          if (signal.aborted) return
          setLive((before) =>
            event.event === 'figures'
              ? { ...before, state: 'live', figures: event.data.figures }
              : {
                  ...before,
                  state: 'live',
                  recent: [...event.data.operations.toReversed(), ...before.recent].slice(0, kept),
                },
          )
        }
      } catch (error) {
        if (signal.aborted) return
        if (isRefused(error)) return expire()
      }
      if (signal.aborted) return
      setLive((before) => ({ ...before, state: 'away' }))
      timer = setTimeout(() => void follow(signal), againMs)
    }
    const turn = (): void => {
      ending.abort()
      clearTimeout(timer)
      if (document.hidden) return
      ending = new AbortController()
      void follow(ending.signal)
    }
    turn()
    document.addEventListener('visibilitychange', turn)
    return () => {
      document.removeEventListener('visibilitychange', turn)
      ending.abort()
      clearTimeout(timer)
    }
  }, [client, expire, service, operation, operation_service])
  return live
}

export const LiveDot = ({ live }: { live: Live }) => (
  <span class={`live ${live.state}`} role="status">
    {live.state === 'live' ? 'live' : live.state === 'away' ? 'not live' : 'connecting'}
  </span>
)
