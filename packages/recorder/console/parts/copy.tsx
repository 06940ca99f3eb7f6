import { useState } from 'preact/hooks'

/** Copies a text; where the browser allows that on secure pages only, the text stays selectable beside it. */
export const Copy = ({ text, what }: { text: string; what: string }) => {
  const [said, setSaid] = useState<string>()
  if (navigator.clipboard === undefined) return null
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setSaid('copied'),
      () => setSaid('not allowed'),
    )
  }
  return (
    <button
      type="button"
      class="quiet small"
      aria-label={`Copy ${what}`}
      onClick={copy}
      onBlur={() => setSaid(undefined)}
    >
      <span aria-live="polite">{said ?? 'copy'}</span>
    </button>
  )
}
