import { isMap, isScalar, type Pair, parseDocument, type Scalar, type YAMLMap } from 'yaml'

/*
 * Edits of a JSON text at the place that they are about: every other byte stays, indentation, line ends and a byte order mark included.
 * JSON is a part of YAML, whose parser says where each value stands.
 */

type Entry = Pair<Scalar<string>, Scalar> & { value: Scalar }

const MARK = '\uFEFF'

/** Sets `text[object][key]` to a string; makes the object at the end of the document where there is none. @throws SyntaxError */
export function setEntry(text: string, object: string, key: string, value: string): string {
  const mark = text.startsWith(MARK) ? MARK : ''
  const json = text.slice(mark.length)
  const root = parseObject(json)
  const layout = layoutOf(json, root)
  const map = root.get(object, true)
  const entry = `${JSON.stringify(key)}: ${JSON.stringify(value)}`
  if (map === undefined) {
    const inner = objectOf(entry, layout, 2)
    return mark + insertEntry(json, root, `${JSON.stringify(object)}: ${inner}`, undefined, layout, 1)
  }
  if (!isMap(map)) throw new SyntaxError(`"${object}" is no object`)
  const known = entriesOf(map).find((one) => one.key.value === key)
  if (known !== undefined) return mark + replace(json, known.value, JSON.stringify(value))
  return mark + insertEntry(json, map, entry, key, layout, 2)
}

interface Layout {
  /** One step of indentation. */
  readonly unit: string
  /** Between entries; empty where the whole document is one line. */
  readonly break: string
}

function parseObject(json: string): YAMLMap {
  // YAML takes more than JSON does, and says it in other words.
  JSON.parse(json)
  const document = parseDocument(json, { uniqueKeys: true })
  const problem = document.errors[0]
  if (problem !== undefined) throw new SyntaxError(problem.message)
  if (!isMap(document.contents)) throw new SyntaxError('it is no object')
  return document.contents
}

function layoutOf(json: string, root: YAMLMap): Layout {
  const first = entriesOf(root)[0]
  const before = first === undefined ? '' : json.slice(0, startOf(first.key))
  const unit = /\n([ \t]*)$/.exec(before)?.[1]
  if (unit === undefined) return { unit: '', break: '' }
  return { unit, break: json.includes('\r\n') ? '\r\n' : '\n' }
}

/** In the order of the alphabet where the others stand so, else at the end. */
function insertEntry(
  json: string,
  map: YAMLMap,
  entry: string,
  key: string | undefined,
  layout: Layout,
  depth: number,
): string {
  const entries = entriesOf(map)
  const last = entries.at(-1)
  const [start = 0, end = 0] = map.range ?? []
  if (last === undefined) return json.slice(0, start) + objectOf(entry, layout, depth) + json.slice(end)
  const first = startOf((entries[0] as Entry).key)
  const oneLine = !json.slice(start, first).includes('\n')
  const separator = oneLine ? ', ' : `,${layout.break}${layout.unit.repeat(depth)}`
  const names = entries.map((one) => one.key.value)
  const sorted = names.every((name, at) => at === 0 || (names[at - 1] as string) < name)
  const next = key !== undefined && sorted ? entries.find((one) => one.key.value > key) : undefined
  if (next === undefined) {
    const at = endOf(last.value)
    return json.slice(0, at) + separator + entry + json.slice(at)
  }
  const at = startOf(next.key)
  return json.slice(0, at) + entry + separator + json.slice(at)
}

/** An object with that one entry, which stands `depth` steps in. */
function objectOf(entry: string, { unit, break: lineBreak }: Layout, depth: number): string {
  if (lineBreak === '') return `{ ${entry} }`
  return `{${lineBreak}${unit.repeat(depth)}${entry}${lineBreak}${unit.repeat(depth - 1)}}`
}

function replace(json: string, node: Scalar, text: string): string {
  return json.slice(0, startOf(node)) + text + json.slice(endOf(node))
}

function entriesOf(map: YAMLMap): Entry[] {
  return map.items.filter((item): item is Entry => isScalar(item.key)) as Entry[]
}

const startOf = (node: Scalar): number => node.range?.[0] ?? 0
/** Where the value ends; what follows is space. */
const endOf = (node: Scalar): number => node.range?.[1] ?? 0
