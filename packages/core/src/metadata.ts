import { isSecretKey, REDACTED } from './redact.js'

/** A metadata value that is an attribute as it is. */
export type MetadataScalar = string | number | boolean

/** Metadata in the form of the wire contract: scalars one by one, everything nested as one JSON object. */
export interface MetadataAttributes {
  readonly scalars: Record<string, MetadataScalar | MetadataScalar[]>
  /** JSON text of an object, or undefined. */
  readonly nested: string | undefined
  /** Whether a limit bit. */
  readonly cut: boolean
}

/** 64 keys of 1,024 characters at most, 16 KiB of nested JSON, 16 levels: a row is a record, not a document. */
export const METADATA_LIMITS = { keys: 64, characters: 1_024, json: 16_384, items: 256, depth: 16 }

/**
 * Takes a snapshot of metadata: later changes of the objects do not reach the record. Secret keys are replaced at every depth.
 * BigInt becomes a decimal string, Date ISO 8601, Map an object, Set an array, functions and symbols their name.
 */
export function toAttributes(metadata: Record<string, unknown>): MetadataAttributes {
  const state: State = { cut: false, seen: [], budget: METADATA_LIMITS.json }
  const scalars: Record<string, MetadataScalar | MetadataScalar[]> = Object.create(null)
  let nested: Record<string, unknown> | undefined
  let count = 0
  for (const key of Object.keys(metadata)) {
    const value = metadata[key]
    if (value === undefined) continue
    count += 1
    if (count > METADATA_LIMITS.keys) {
      state.cut = true
      break
    }
    const plain = isSecretKey(key) ? REDACTED : toPlain(value, 0, state)
    if (isScalar(plain)) scalars[key] = plain
    else {
      nested ??= Object.create(null) as Record<string, unknown>
      nested[key] = plain
    }
  }
  return { scalars, nested: nested === undefined ? undefined : JSON.stringify(nested), cut: state.cut }
}

interface State {
  cut: boolean
  seen: object[]
  /** Characters that may still be kept in nested values. */
  budget: number
}

function isScalar(value: unknown): value is MetadataScalar {
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
}

function toPlain(value: unknown, depth: number, state: State): unknown {
  switch (typeof value) {
    case 'string':
      return cutText(value, depth, state)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'bigint':
      return value.toString()
    case 'symbol':
    case 'function':
      return String(typeof value === 'symbol' ? value : value.name)
    case 'object':
      return value === null ? null : objectToPlain(value, depth, state)
    default:
      return null
  }
}

function cutText(value: string, depth: number, state: State): string {
  let limit = METADATA_LIMITS.characters
  if (depth > 0) {
    limit = Math.min(limit, Math.max(0, state.budget))
    state.budget -= Math.min(value.length, limit) + 8
  }
  if (value.length <= limit) return value
  state.cut = true
  return `${value.slice(0, limit)}…`
}

function objectToPlain(value: object, depth: number, state: State): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Error) return { name: value.name, message: value.message }
  if (state.seen.includes(value)) return '[circular]'
  if (depth >= METADATA_LIMITS.depth || state.budget <= 0) {
    state.cut = true
    return '[cut]'
  }
  state.seen.push(value)
  try {
    if (Array.isArray(value)) return listToPlain(value, depth, state)
    if (value instanceof Set) return listToPlain([...value], depth, state)
    if (value instanceof Map) return entriesToPlain([...value], depth, state)
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
    return entriesToPlain(Object.entries(value), depth, state)
  } finally {
    state.seen.pop()
  }
}

function listToPlain(values: unknown[], depth: number, state: State): unknown[] {
  if (values.length > METADATA_LIMITS.items) state.cut = true
  return values.slice(0, METADATA_LIMITS.items).map((item) => toPlain(item, depth + 1, state))
}

function entriesToPlain(entries: [unknown, unknown][], depth: number, state: State): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null)
  if (entries.length > METADATA_LIMITS.items) state.cut = true
  for (const [rawKey, item] of entries.slice(0, METADATA_LIMITS.items)) {
    const key = String(rawKey).slice(0, 128)
    state.budget -= key.length
    result[key] = isSecretKey(key) ? REDACTED : toPlain(item, depth + 1, state)
  }
  return result
}
