import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Client, Operation, OperationsAnswer, Story } from '../../src/client.js'
import { isRefused, useSession } from '../session.js'

export type Found = {
  phase: 'asking' | 'nothing' | 'more' | 'paused' | 'done'
  /** What the text turned out to be. */
  by: 'correlation' | 'trace' | 'user'
  /** The correlation ID once it is known. */
  id: string
  operations: Operation[]
  story: Story | undefined
  cuts: string[]
  next: string | null
  error: unknown
}

const pageSize = 1_000
// So many come by themselves; a larger story goes on when somebody asks.
const stretch = 10_000
const ofUser = 100

/** Whatever the text is: a correlation ID, else a trace ID, else a user. */
const look = async (
  client: Client,
  id: string,
  signal: AbortSignal,
): Promise<Partial<Found> & { first?: OperationsAnswer }> => {
  const first = await client.operations({ correlation_id: id, limit: pageSize }, { signal })
  if (first.operations.length > 0) return { by: 'correlation', id, first }
  if (/^[0-9a-f]{32}$/i.test(id)) {
    const traced = await client.operations({ trace_id: id, limit: 1 }, { signal })
    const correlationId = traced.operations[0]?.correlationId
    if (correlationId !== undefined) {
      const whole = await client.operations({ correlation_id: correlationId, limit: pageSize }, { signal })
      return { by: 'trace', id: correlationId, first: whole }
    }
  }
  const used = await client.operations({ user: id, hours: 720, limit: ofUser }, { signal })
  return used.operations.length > 0 ? { by: 'user', id, first: used } : {}
}

/** Asks for all pages of a story, one after the other; what has come is shown meanwhile. */
export const useStory = (id: string): [Found, () => void] => {
  const { client, expire } = useSession()
  const [found, setFound] = useState<Found>(() => blank(id))
  const [turn, setTurn] = useState({ upTo: stretch, again: 0 })

  useEffect(() => {
    const ending = new AbortController()
    const { signal } = ending
    const follow = async (): Promise<void> => {
      let so: Found = { ...found, error: undefined }
      try {
        if (so.operations.length === 0) {
          const { first, ...rest } = await look(client, id, signal)
          if (first === undefined) so = { ...so, phase: 'nothing' }
          else so = { ...so, ...rest, ...pageOf(first), story: first.story ?? undefined }
          if (so.by === 'user') so = { ...so, phase: 'done' }
          setFound(so)
        }
        while (so.phase === 'more' || so.phase === 'paused') {
          if (so.next === null || so.operations.length >= turn.upTo) break
          const page = await client.operations(
            { correlation_id: so.id, cursor: so.next, limit: pageSize },
            { signal },
          )
          so = { ...so, ...pageOf(page), operations: [...so.operations, ...page.operations] }
          setFound(so)
        }
        if (so.phase === 'more') setFound({ ...so, phase: so.next === null ? 'done' : 'paused' })
      } catch (error) {
        if (signal.aborted) return
        if (isRefused(error)) return expire()
        setFound({ ...so, error, phase: so.operations.length > 0 ? 'paused' : so.phase })
      }
    }
    void follow()
    return () => ending.abort()
  }, [client, expire, id, turn])

  const more = useCallback(
    () => setTurn(({ upTo, again }) => ({ upTo: upTo + stretch, again: again + 1 })),
    [],
  )
  return [found, more]
}

const blank = (id: string): Found => ({
  phase: 'asking',
  by: 'correlation',
  id,
  operations: [],
  story: undefined,
  cuts: [],
  next: null,
  error: undefined,
})

const pageOf = ({
  operations,
  next,
  cuts,
}: OperationsAnswer): Pick<Found, 'operations' | 'next' | 'cuts' | 'phase'> => ({
  operations,
  next,
  // That there is a next page is no loss here: it is asked for.
  cuts: next === null ? cuts : [],
  phase: 'more',
})
