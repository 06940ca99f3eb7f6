import type { Operation } from '../../src/client.js'
import { msOf } from '../format.js'

/** One line of the waterfall. */
export type TreeRow = {
  operation: Operation
  depth: number
  /** ms from the start of the story. */
  fromMs: number
}

/**
 * Callers before what they called, else by start. A parent that is no operation (an HTTP span, say) is none here; rows
 * that name each other as parents are shown all the same. No recursion: a chain may be as long as the story.
 */
export const treeOf = (operations: readonly Operation[], startedAt: string): TreeRow[] => {
  const start = msOf(startedAt)
  const known = new Map<string, number>()
  for (const [at, one] of operations.entries()) {
    const key = `${one.traceId}/${one.spanId}`
    if (!known.has(key)) known.set(key, at)
  }
  const children = new Map<number, number[]>()
  const roots: number[] = []
  for (const [at, one] of operations.entries()) {
    const parent = one.parentSpanId === null ? undefined : known.get(`${one.traceId}/${one.parentSpanId}`)
    if (parent === undefined || parent === at) roots.push(at)
    else append(children, parent, at)
  }
  const rows: TreeRow[] = []
  const shown = new Set<number>()
  const show = (root: number): void => {
    const open = [{ at: root, depth: 0 }]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const operation = operations[next.at]
      if (operation === undefined || shown.has(next.at)) continue
      shown.add(next.at)
      rows.push({ operation, depth: next.depth, fromMs: msOf(operation.startedAt) - start })
      const below = children.get(next.at) ?? []
      for (const at of below.toReversed()) open.push({ at, depth: next.depth + 1 })
    }
  }
  for (const root of roots) show(root)
  for (const at of operations.keys()) show(at)
  return rows
}

const append = (lists: Map<number, number[]>, key: number, value: number): void => {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
