/** What stands where a secret stood: whoever reads the row sees that something was hidden. */
export const REDACTED = '[redacted]'

/** Whole words: `cardNumber` is hidden, `discard` and `cardinality` are not. */
const SECRET_WORDS = new Set([
  'apikey',
  'authorization',
  'bearer',
  'card',
  'cookie',
  'credential',
  'credentials',
  'cvc',
  'cvv',
  'iban',
  'passphrase',
  'passwd',
  'password',
  'pin',
  'pwd',
  'secret',
  'secrets',
  'ssn',
  'token',
  'tokens',
])

/** `apiKey`, `api_key`, `x-api-key`: two words that are one secret. */
const SECRET_PAIRS = new Set(['api key', 'private key', 'access key', 'session id'])

/** Keys come from a program's source, so there are few; the bound keeps a generated key from filling memory. */
const MAX_KNOWN = 2_000
const known = new Map<string, boolean>()

/** Whether a key names a secret: split at case changes and punctuation, compared word by word. */
export function isSecretKey(key: string): boolean {
  const cached = known.get(key)
  if (cached !== undefined) return cached
  const secret = namesSecret(key)
  if (known.size < MAX_KNOWN) known.set(key, secret)
  return secret
}

function namesSecret(key: string): boolean {
  const words = key
    .slice(0, 256)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  return words.some(
    (word, i) => SECRET_WORDS.has(word) || (i > 0 && SECRET_PAIRS.has(`${words[i - 1]} ${word}`)),
  )
}

/** The frames of a stack name files, in which a word such as `token.js:10` is no secret. */
const FRAME = /^\s+at /

/** The key of `key=value`, `key: value`, `"key":"value"`, up to where its value begins. */
const KEY = /([A-Za-z][\w.-]{0,63})\\?["']?\s{0,3}[:=]\s{0,3}/g
/** A value, with the scheme of an Authorization header: it ends where its quotes or its word ends. */
const VALUE = /\\?"[^"\n]*"|'[^'\n]*'|(?:(?:Bearer|Basic|Digest|Token)\s+)?[^\s,;&"')\]}]+/iy
const SCHEME = /\b(Bearer|Basic)(\s+)[\w.~+/=-]{6,}/gi
const USER_INFO = /(:\/\/[^\s:/@]{0,256}:)[^\s/@]{1,256}@/g

/**
 * Replaces secrets in free text, such as the message of an error: what stands after a key that names a secret, credentials of an
 * Authorization header, the password of a URL. The key stays, so that whoever reads it sees what was hidden.
 */
export function redactText(text: string): string {
  if (!/[:=]|bearer|basic/i.test(text)) return text
  return text
    .split('\n')
    .map((line) => (FRAME.test(line) ? line : redactLine(line)))
    .join('\n')
}

function redactLine(line: string): string {
  return redactPairs(line.replace(USER_INFO, `$1${REDACTED}@`)).replace(
    SCHEME,
    (_, scheme: string, space: string) => `${scheme}${space}${REDACTED}`,
  )
}

function redactPairs(line: string): string {
  let result = ''
  let kept = 0
  KEY.lastIndex = 0
  for (let match = KEY.exec(line); match !== null; match = KEY.exec(line)) {
    // Not remembered: the words of messages are without number.
    if (!namesSecret(match[1] ?? '')) continue
    VALUE.lastIndex = KEY.lastIndex
    const value = VALUE.exec(line)?.[0]
    if (value === undefined) continue
    const quote = /^\\?["']/.exec(value)?.[0] ?? ''
    result += `${line.slice(kept, KEY.lastIndex)}${quote}${REDACTED}${quote}`
    kept = VALUE.lastIndex
    KEY.lastIndex = kept
  }
  return result + line.slice(kept)
}
