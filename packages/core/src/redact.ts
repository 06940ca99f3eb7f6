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
  const words = key
    .slice(0, 256)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  const secret = words.some(
    (word, i) => SECRET_WORDS.has(word) || (i > 0 && SECRET_PAIRS.has(`${words[i - 1]} ${word}`)),
  )
  if (known.size < MAX_KNOWN) known.set(key, secret)
  return secret
}
