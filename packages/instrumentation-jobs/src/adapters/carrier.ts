import type { JobCarrier } from '../types.js'

/** Our carrier has four short values; a tracestate has at most 512 characters. Nothing longer is parsed. */
const maxCharacters = 4_096

/** An object as a queue gave it back, or its JSON. Whatever else is there is no carrier: the job was enqueued by somebody else. */
export const readCarrier = (found: unknown): JobCarrier | undefined => {
  const value = typeof found === 'string' ? parse(found) : found
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
}

const parse = (text: string): unknown => {
  if (text.length > maxCharacters) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** For a later try: when the first one was enqueued says nothing of how long this one waited. */
export const withoutTime = (carrier: JobCarrier | undefined): JobCarrier | undefined => {
  if (carrier?.enqueued_at === undefined) return carrier
  const { enqueued_at: _, ...rest } = carrier
  return rest
}
