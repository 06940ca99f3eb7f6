/** What would end a line, hide in one, or be half a character. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** What most IDs and names are made of: nothing to look for in them. */
const PLAIN = /^[\x20-\x7e]*$/

/**
 * Text that may stand in a label, an environment variable, an attribute: one line of whole, visible characters, `limit` at most. What a job
 * is called comes from whoever enqueued it.
 */
export function clean(value: unknown, limit = 256): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return ''
  // Cut first: a text of megabytes is not searched. Four to one leaves room for what is replaced.
  const text = String(value).slice(0, limit)
  return PLAIN.test(text) ? text : text.replace(UNSAFE, '_')
}
