import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'

/** What is wrong, and where in the file; line and column count from 1. */
export type Problem = { line: number; column: number; path: string; message: string }

/** A value of the file with its place. `node` is null where nothing is written. */
export type Entry = Place & {
  node: Node | null
  path: string /** Of the key that it is the value of. */
  key?: Place
}

type Place = { line: number; column: number }

export type YamlReader = {
  root: Entry
  problems: Problem[]
  fail: (entry: Entry, message: string) => undefined
  /** The same at the key. */
  failKey: (entry: Entry, message: string) => undefined
  /** The entries of a map; a key that is not among `keys` is a problem. Undefined for what is no map. */
  map: (entry: Entry, keys?: readonly string[]) => Record<string, Entry> | undefined
  list: (entry: Entry) => Entry[]
  text: (entry: Entry) => string | undefined
  /** As it is written, digit for digit: never through a float. */
  decimal: (entry: Entry) => string | undefined
  /** `2026-10-31`, a day that there is. */
  day: (entry: Entry) => string | undefined
  /** A scalar as JSON text. */
  json: (entry: Entry) => string | undefined
}

const MAX_CHARACTERS = 1_048_576
const DECIMAL = /^-?\d{1,18}(?:\.\d{1,10})?$/

/** Reads YAML 1.2 and collects problems rather than stop at the first. */
export const openYaml = (text: string): YamlReader => {
  const lines = new LineCounter()
  const document = parseDocument(text.length > MAX_CHARACTERS ? '' : text, { lineCounter: lines })
  const problems: Problem[] = []
  if (text.length > MAX_CHARACTERS)
    problems.push({ line: 1, column: 1, path: '', message: `is longer than ${MAX_CHARACTERS} characters` })
  for (const error of [...document.errors, ...document.warnings]) {
    const { line, col } = lines.linePos(error.pos[0])
    const message = error.message.split(/ at line \d+/)[0] ?? error.code
    problems.push({ line: Math.max(line, 1), column: Math.max(col, 1), path: '', message })
  }

  const place = (node: unknown, otherwise: Place): Place => {
    const range = (node as Node | null)?.range
    if (!range) return otherwise
    const { line, col } = lines.linePos(range[0])
    return { line, column: col }
  }
  const entryOf = (found: unknown, path: string, otherwise: Place): Entry => {
    const node = isAlias(found) ? (found.resolve(document) ?? null) : (found as Node | null)
    return { node, path, ...place(found, otherwise) }
  }
  const fail = ({ path, line, column }: Entry, message: string): undefined => {
    problems.push({ line, column, path, message })
    return undefined
  }
  const scalar = (entry: Entry, wanted: string): { value: unknown; source: string } | undefined => {
    if (!isScalar(entry.node) || entry.node.value === null) return fail(entry, `must be ${wanted}`)
    const { value, source } = entry.node
    return { value, source: typeof value === 'string' ? value : (source ?? String(value)) }
  }

  const reader: YamlReader = {
    root: entryOf(document.contents, '', { line: 1, column: 1 }),
    problems,
    fail,
    failKey: (entry, message) => fail({ ...entry, ...entry.key }, message),
    map(entry, keys) {
      if (!isMap(entry.node)) return fail(entry, 'must be a map of keys and values')
      // No prototype: a key may have any name.
      const entries: Record<string, Entry> = Object.create(null)
      for (const pair of entry.node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : ''
        const path = entry.path === '' ? key : `${entry.path}.${key}`
        const at = { ...entryOf(pair.value, path, place(pair.key, entry)), key: place(pair.key, entry) }
        if (keys !== undefined && !keys.includes(key))
          reader.failKey(at, `is no key here; known are ${keys.join(', ')}`)
        else entries[key] = at
      }
      return entries
    },
    list(entry) {
      if (!isSeq(entry.node)) {
        fail(entry, 'must be a list')
        return []
      }
      return entry.node.items.map((item, at) => entryOf(item, `${entry.path}[${at}]`, entry))
    },
    text(entry) {
      const found = scalar(entry, 'a text')
      if (found === undefined) return undefined
      const { source } = found
      if (source === '' || source.length > 500 || /\p{Cc}/u.test(source))
        return fail(entry, 'must be a text of 1 to 500 characters on one line')
      return source
    },
    decimal(entry) {
      const found = scalar(entry, 'a number')
      if (found === undefined) return undefined
      if (!DECIMAL.test(found.source))
        return fail(entry, `is ${shown(found.source)}: a plain number such as 4 or 129.90 is needed`)
      return found.source
    },
    day(entry) {
      const found = scalar(entry, 'a day')
      if (found === undefined) return undefined
      const time = /^\d{4}-\d\d-\d\d$/.test(found.source) ? Date.parse(found.source) : Number.NaN
      if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== found.source)
        return fail(entry, `is ${shown(found.source)}: a day such as 2026-10-31 is needed`)
      return found.source
    },
    json(entry) {
      const found = scalar(entry, 'a text, a number, true or false')
      if (found === undefined) return undefined
      if (typeof found.value === 'number')
        return DECIMAL.test(found.source)
          ? found.source
          : fail(entry, 'must be a plain number such as 4 or 129.90')
      return JSON.stringify(found.value)
    },
  }
  return reader
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 80))
