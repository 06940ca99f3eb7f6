import { useState } from 'preact/hooks'
import type { DeadLettersAnswer, HealthAnswer, RetryAnswer } from '../../src/client.js'
import { count, plural } from '../format.js'
import { isRefused, textOf, useSession } from '../session.js'
import { useAnswer } from '../use-answer.js'
import { Time } from './figures.js'
import { Cuts, Failure, Loading } from './notice.js'
import { Text } from './scroll.js'

type Letter = DeadLettersAnswer['letters'][number]
type Props = { about: HealthAnswer['deadLetters']; changed: () => void }

/** Records that could not become rows, each with its reason; an admin tries them again. */
export const DeadLetters = ({ about, changed }: Props) => {
  const { role, auth, client, expire } = useSession()
  const mayRetry = role === 'admin' || auth === 'off'
  const { data, error, loading, reload } = useAnswer(`letters ${about.total}`, (client, signal) =>
    client.deadLetters({ limit: 100 }, { signal }),
  )
  const [said, setSaid] = useState('')
  const [busy, setBusy] = useState(false)

  const retry = async (ask: () => Promise<RetryAnswer>): Promise<void> => {
    setBusy(true)
    try {
      setSaid(resultText(await ask()))
      reload()
      changed()
    } catch (error) {
      if (isRefused(error)) return expire()
      setSaid(textOf(error))
    }
    setBusy(false)
  }

  return (
    <>
      <p role="status" class="said">
        {said}
      </p>
      {error !== undefined && <Failure error={error} stale={data !== undefined} retry={reload} />}
      {data === undefined ? (
        loading && <Loading />
      ) : data.total === 0 ? (
        <p class="muted calm">None. Every record that came could become a row.</p>
      ) : (
        <>
          <Cuts cuts={data.cuts} />
          <ul class="reasons">
            {about.reasons.map(({ reason, count: times }) => (
              <li key={reason}>
                <b class="number">{count(times)}</b> {reason}
              </li>
            ))}
          </ul>
          {mayRetry ? (
            <button type="button" disabled={busy} onClick={() => retry(() => client.retryDeadLetters())}>
              Try all of them again
            </button>
          ) : (
            <p class="muted small">A token of role admin may try them again.</p>
          )}
          <ul class="letters">
            {data.letters.map((letter) => (
              <LetterItem
                key={letter.id}
                letter={letter}
                retry={mayRetry ? () => retry(() => client.retryDeadLetter(letter.id)) : undefined}
                busy={busy}
              />
            ))}
          </ul>
        </>
      )}
    </>
  )
}

const resultText = ({ stored, known, kept }: RetryAnswer): string => {
  const parts = [
    stored > 0 && `${plural(stored, 'row')} stored`,
    known > 0 && `${plural(known, 'row was', 'rows were')} there already`,
    kept.length > 0 && `${count(kept.length)} kept: ${kept[0]?.reason}`,
  ].filter((part) => part !== false)
  return parts.length === 0 ? 'There was nothing to try again.' : `${parts.join(', ')}.`
}

type ItemProps = { letter: Letter; retry: (() => void) | undefined; busy: boolean }

const LetterItem = ({ letter, retry, busy }: ItemProps) => {
  const [open, setOpen] = useState(false)
  return (
    <li>
      <div class="letter">
        <button type="button" class="plain" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span>{letter.reason}</span>
          <span class="muted small">
            parked <Time at={letter.parkedAt} /> · {plural(letter.bytes, 'byte')}
            {letter.sqlState !== null && ` · SQLSTATE ${letter.sqlState}`}
            {letter.retries > 0 && ` · tried again ${plural(letter.retries, 'time')}`}
          </span>
        </button>
        {retry !== undefined && (
          <button type="button" disabled={busy} onClick={retry}>
            Retry
          </button>
        )}
      </div>
      {open && <Body id={letter.id} />}
    </li>
  )
}

const Body = ({ id }: { id: string }) => {
  const { data, error, loading, reload } = useAnswer(`letter ${id}`, (client, signal) =>
    client.deadLetter(id, { signal }),
  )
  if (error !== undefined) return <Failure error={error} stale={false} retry={reload} />
  if (data === undefined) return loading ? <Loading /> : null
  return <Text label="Metadata" text={data.body} also="metadata" />
}
