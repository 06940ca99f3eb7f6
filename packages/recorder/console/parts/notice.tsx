import type { ComponentChildren } from 'preact'
import { ApiError } from '../../src/client.js'
import { textOf } from '../session.js'
import { WarningIcon } from './icons.js'

/** Nothing is there, and what to do about it. */
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <h2>{title}</h2>
    {children !== undefined && <div class="muted">{children}</div>}
  </div>
)

/** What was asked for did not come. What came before it stays on the screen, so it says that this is old. */
export const Failure = ({ error, stale, retry }: { error: unknown; stale: boolean; retry: () => void }) => (
  <div class="notice bad" role="alert">
    <WarningIcon />
    <div>
      <strong>{headline(error)}</strong> {textOf(error)}
      {stale && ' What you see is older.'}
      {error instanceof ApiError && error.status !== 0 && <code class="code">{error.code}</code>}
    </div>
    <button type="button" onClick={retry}>
      Try again
    </button>
  </div>
)

const headline = (error: unknown): string => {
  if (!(error instanceof ApiError)) return 'The console could not show this.'
  if (error.status === 0) return 'The recorder does not answer.'
  if (error.status === 403) return 'Your token may not do this.'
  if (error.status === 404) return 'It is not there.'
  if (error.status >= 500) return 'The recorder cannot answer now.'
  return 'The recorder refused this.'
}

/** What a limit of the query left out. */
export const Cuts = ({ cuts }: { cuts: readonly string[] }) =>
  cuts.length === 0 ? null : (
    <div class="notice" role="note">
      <WarningIcon />
      <div>
        <strong>Not everything is here.</strong> {cuts.join('; ')}
      </div>
    </div>
  )

/** In place of what is on its way; nothing moves when it comes. */
export const Loading = ({ rows = 3 }: { rows?: number }) => (
  <div class="loading" role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, at) => (
      <span key={at} />
    ))}
  </div>
)
