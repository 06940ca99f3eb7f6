import type { Call } from './types.js'

type Extract = (call: Call) => Record<string, unknown> | undefined

/** Keeps the named properties of the result; `allocation.id` reaches into it and keeps its full path as key. */
function pickResult(...paths: string[]): Extract {
  return (call) => select(call.result, paths)
}

/** Keeps named properties of the arguments: `0` is the first argument, `1.userId` a property of the second. */
function pickArgs(...paths: string[]): Extract {
  return (call) => select(call.args, paths)
}

/** Keeps the names of the result's keys, as `result_keys`: what came back without what it said. */
function pickKeys(): Extract {
  return (call) => (isObject(call.result) ? { result_keys: Object.keys(call.result) } : undefined)
}

function select(from: unknown, paths: string[]): Record<string, unknown> {
  const chosen: Record<string, unknown> = {}
  for (const path of paths) {
    const value = path.split('.').reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), from)
    if (value !== undefined) chosen[path] = value
  }
  return chosen
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Ready extractors for `metadata`. */
export const pick: typeof pickResult & { args: typeof pickArgs; keys: typeof pickKeys } = Object.assign(
  pickResult,
  {
    args: pickArgs,
    keys: pickKeys,
  },
)
