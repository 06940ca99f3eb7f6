import { useState } from 'preact/hooks'
import { Mark } from './parts/icons.js'

type Props = { notice: string | undefined; signIn: (token: string) => Promise<string | undefined> }

export const Login = ({ notice, signIn }: Props) => {
  const [refusal, setRefusal] = useState(notice)
  const [asking, setAsking] = useState(false)

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement).get('token')
    const token = typeof given === 'string' ? given.trim() : ''
    if (token === '') return setRefusal('Paste a token first.')
    setAsking(true)
    const said = await signIn(token)
    setAsking(false)
    if (said !== undefined) setRefusal(said)
  }

  return (
    <main class="login">
      <form class="card" onSubmit={submit} aria-busy={asking}>
        <h1>
          <Mark /> Throughline
        </h1>
        <p class="muted">What every operation did, how long it took, and what it was worth.</p>
        <label for="token">Access token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          placeholder="tl_read_…"
          aria-describedby="refusal how"
          aria-invalid={refusal !== undefined}
        />
        <p id="refusal" class="refusal" role="alert">
          {refusal}
        </p>
        <button type="submit" class="primary" disabled={asking}>
          {asking ? 'Asking …' : 'Sign in'}
        </button>
        <p id="how" class="muted small">
          No token yet? <code>throughline token create --role read --name me</code> prints one. It stays in
          this tab and is gone when the tab is closed.
        </p>
      </form>
    </main>
  )
}
