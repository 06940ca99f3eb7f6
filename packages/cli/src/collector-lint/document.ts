import { readFileSync } from 'node:fs'
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { CliError } from '../errors.js'

/** A value of the merged configuration and where it stands: the line of its key, counted from 1. */
export type Value = Place & (MapValue | ListValue | ScalarValue)

export interface Place {
  file: string
  line: number
}
interface MapValue {
  kind: 'map'
  entries: Map<string, Value>
}
interface ListValue {
  kind: 'list'
  items: Value[]
}
interface ScalarValue {
  kind: 'scalar'
  /** With the defaults of its variables in place. Empty for null. */
  text: string
  /** As it is written. */
  raw: string
  /** Whether `text` holds no variable without a default. */
  known: boolean
}

/** Reads the files and merges them as the Collector does: maps key by key, anything else is replaced. Throws `TL_USAGE`. */
export function readCollector(files: readonly string[]): Value {
  return files.map((file) => parseFile(file, textOf(file))).reduce(merge)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CliError('TL_USAGE', `${file} cannot be read.`, { cause })
  }
}

function parseFile(file: string, text: string): Value {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [error] = document.errors
  if (error !== undefined)
    throw new CliError('TL_USAGE', `${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`)
  const lineOf = (node: unknown, otherwise: number): number => {
    const range = (node as Node | null)?.range
    return range ? lines.linePos(range[0]).line : otherwise
  }

  function entryOf(found: unknown, line: number): Value {
    const node = isAlias(found) ? found.resolve(document) : found
    const place = { file, line }
    if (isMap(node)) return { ...place, kind: 'map', entries: entriesOf(node.items, line) }
    if (isSeq(node)) {
      const items = node.items.map((item) => entryOf(item, lineOf(item, line)))
      return { ...place, kind: 'list', items }
    }
    return { ...place, kind: 'scalar', ...scalarOf(isScalar(node) ? node.value : undefined) }
  }

  function entriesOf(pairs: readonly { key: unknown; value: unknown }[], line: number): Map<string, Value> {
    const entries = new Map<string, Value>()
    for (const pair of pairs) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      const value = entryOf(pair.value, lineOf(pair.key, line))
      if (key !== '<<') entries.set(key, value)
      // What a merge key brings gives way to what stands there itself.
      else
        for (const one of value.kind === 'list' ? value.items : [value])
          if (one.kind === 'map')
            for (const [name, inherited] of one.entries) if (!entries.has(name)) entries.set(name, inherited)
    }
    return entries
  }

  const root = entryOf(document.contents, 1)
  if (root.kind === 'map') return root
  throw new CliError(
    'TL_USAGE',
    `${file} is no map of keys and values, as a configuration of the Collector is.`,
  )
}

/** `${env:NAME:-default}` and `${NAME:-default}`. */
const VARIABLE = /\$\{(?:env:)?\w+:-([^}]*)\}/g

function scalarOf(value: unknown): Omit<ScalarValue, 'kind'> {
  const raw = value === undefined || value === null ? '' : String(value)
  const text = raw.replace(VARIABLE, '$1')
  return { raw, text, known: !text.includes('${') }
}

function merge(base: Value, over: Value): Value {
  if (base.kind !== 'map' || over.kind !== 'map') return over
  const entries = new Map(base.entries)
  for (const [key, value] of over.entries) {
    const known = entries.get(key)
    entries.set(key, known === undefined ? value : merge(known, value))
  }
  return { ...base, entries }
}

/** What stands under the keys, one below the other; undefined where there is nothing, or null. */
export function at(value: Value | undefined, ...path: string[]): Value | undefined {
  let found = value
  for (const key of path) found = found?.kind === 'map' ? found.entries.get(key) : undefined
  return found
}

/** The scalar at that place; undefined where there is none. */
export function scalarAt(value: Value | undefined, ...path: string[]): (Place & ScalarValue) | undefined {
  const found = at(value, ...path)
  return found?.kind === 'scalar' && found.raw !== '' ? found : undefined
}

export function itemsAt(value: Value | undefined, ...path: string[]): Value[] {
  const found = at(value, ...path)
  return found?.kind === 'list' ? found.items : []
}

/** Every scalar at or below the value. */
export function scalarsBelow(value: Value | undefined): (Place & ScalarValue)[] {
  if (value === undefined) return []
  if (value.kind === 'scalar') return [value]
  return (value.kind === 'list' ? value.items : [...value.entries.values()]).flatMap(scalarsBelow)
}
