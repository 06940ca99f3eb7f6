/** Beyond this the calls into C++ are faster than a loop over the characters. */
const shortText = 48

/** Nearly every text of a record is short ASCII. */
const isPlain = (text: string): boolean => {
  if (text.length > shortText) return false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0 || code > 127) return false
  }
  return true
}

/** Text as Postgres can store it: NUL and lone surrogates become U+FFFD. */
export const cleanText = (text: string): string => {
  if (isPlain(text)) return text
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed()
  return wellFormed.includes('\0') ? wellFormed.replaceAll('\0', '\ufffd') : wellFormed
}

// Alternatives from left to right: a whole surrogate pair (kept), any other \u escape (looked at), any other escape
// (kept; it consumes `\\`, so that the text of `\\u0000`, a backslash and five characters, stays as it is).
const jsonEscape = /\\u(?:d[89ab][0-9a-f]{2})\\u(?:d[c-f][0-9a-f]{2})|\\u([0-9a-f]{4})|\\[^u]/gi
const unstorable = /^(?:0000|d[89a-f][0-9a-f]{2})$/i

/** JSON text as jsonb can store it: the same, and escapes of NUL and lone surrogates become an escaped U+FFFD too. */
export const cleanJson = (json: string): string => {
  const text = cleanText(json)
  if (!text.includes('\\u')) return text
  return text.replace(jsonEscape, (whole: string, unit: string | undefined) =>
    unit !== undefined && unstorable.test(unit) ? '\\ufffd' : whole,
  )
}

const encoder = new TextEncoder()

/** The longest beginning of `text` that fits into `maxBytes` of UTF-8 and ends with a whole character. */
export const cutText = (text: string, maxBytes: number): string => {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(maxBytes)).read)
}
