import { describeFailure } from './failure.js'
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
export const METADATA_LIMITS = {
  keys: 64,
  keyCharacters: 128,
  characters: 1_024,
  json: 16_384,
  items: 256,
  depth: 16,
}

/** Stands for a value whose getter or iterator threw. */
const UNREADABLE = '[unreadable]'

/**
 * Takes a snapshot of metadata: later changes of the objects do not reach the record. Secret keys are replaced at every depth.
 * BigInt becomes a decimal string, Date ISO 8601, Map an object, Set an array, functions and symbols their name.
 */
export function toAttributes(metadata: Record<string, unknown>): MetadataAttributes {
  const state: State = { cut: false, seen: [], budget: METADATA_LIMITS.json }
  const scalars: Record<string, MetadataScalar | MetadataScalar[]> = Object.create(null)
  let nested: Record<string, unknown> | undefined
  let count = 0
  for (const name of Object.keys(metadata)) {
    const value = readKey(metadata, name)
    if (value === undefined) continue
    count += 1
    if (count > METADATA_LIMITS.keys) {
      state.cut = true
      break
    }
    const key = cutKey(name, state)
    const plain = isSecretKey(name) ? REDACTED : toPlain(value, 0, state)
    if (isScalar(plain) || (Array.isArray(plain) && plain.every(isScalar))) scalars[key] = plain
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

function readKey(from: Record<string, unknown>, key: string): unknown {
  try {
    return from[key]
  } catch {
    return UNREADABLE
  }
}

function cutKey(key: string, state: State): string {
  if (key.length <= METADATA_LIMITS.keyCharacters) return key
  state.cut = true
  return key.slice(0, METADATA_LIMITS.keyCharacters)
}

function toPlain(value: unknown, depth: number, state: State): unknown {
  // Two characters for what every value costs in JSON beside its text: without it, lists of numbers would have no bound.
  if (depth > 0) state.budget -= 2
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
      return typeof value === 'symbol' ? String(value) : functionName(value)
    case 'object':
      return value === null ? null : guarded(value, depth, state)
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

function functionName(value: object): string {
  const name = Object.getOwnPropertyDescriptor(value, 'name')?.value
  return typeof name === 'string' ? name.slice(0, METADATA_LIMITS.keyCharacters) : ''
}

/** A getter, a proxy or an iterator of somebody else's may throw: that costs this value, not the record. */
function guarded(value: object, depth: number, state: State): unknown {
  const level = state.seen.length
  try {
    return objectToPlain(value, depth, state)
  } catch {
    state.seen.length = level
    return UNREADABLE
  }
}

function objectToPlain(value: object, depth: number, state: State): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Error) {
    const { type, message } = describeFailure(value)
    return { name: type, message: cutText(message, Math.max(1, depth), state) }
  }
  if (state.seen.includes(value)) return '[circular]'
  if (depth >= METADATA_LIMITS.depth || state.budget <= 0) {
    state.cut = true
    return '[cut]'
  }
  state.seen.push(value)
  try {
    if (Array.isArray(value)) return listToPlain(value, depth, state)
    if (value instanceof Set) return listToPlain(value, depth, state)
    if (value instanceof Map) return entriesToPlain(value, depth, state)
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
    return entriesToPlain(readable(value as Record<string, unknown>), depth, state)
  } finally {
    state.seen.pop()
  }
}

function listToPlain(values: Iterable<unknown>, depth: number, state: State): unknown[] {
  const result: unknown[] = []
  for (const item of values) {
    if (result.length >= METADATA_LIMITS.items || state.budget <= 0) {
      state.cut = true
      break
    }
    result.push(toPlain(item, depth + 1, state))
  }
  return result
}

function* readable(value: Record<string, unknown>): Generator<[string, unknown]> {
  for (const key of Object.keys(value)) yield [key, readKey(value, key)]
}

function entriesToPlain(
  entries: Iterable<[unknown, unknown]>,
  depth: number,
  state: State,
): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null)
  let count = 0
  for (const [rawKey, item] of entries) {
    if (count >= METADATA_LIMITS.items || state.budget <= 0) {
      state.cut = true
      break
    }
    count += 1
    const name = String(rawKey)
    const key = cutKey(name, state)
    state.budget -= key.length + 4
    result[key] = isSecretKey(name) ? REDACTED : toPlain(item, depth + 1, state)
  }
  return result
}
