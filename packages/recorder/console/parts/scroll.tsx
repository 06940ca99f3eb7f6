import type { ComponentChildren } from 'preact'

/** What scrolls has to be reached by the keyboard, and to say what it is. */
export const Scroll = ({
  label,
  children,
  also = '',
}: {
  label: string
  children: ComponentChildren
  also?: string
}) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys scroll it.
  <section class={`scroll ${also}`} tabIndex={0} aria-label={label}>
    {children}
  </section>
)

/** A text as it is, however long. */
export const Text = ({ label, text, also = '' }: { label: string; text: string; also?: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys scroll it.
  <section class="scroll text" tabIndex={0} aria-label={label}>
    <pre class={also}>{text}</pre>
  </section>
)
