/*
 * Faults at each step of the spool, for tests alone: nothing that is shipped knows of them.
 *
 *   node --import packages/sdk/testing/failpoints.mjs app.js      with THROUGHLINE_FAILPOINT=append.torn@120=kill
 *   import { setFailpoints } from './failpoints.mjs'              setFailpoints('append.before@1..=ENOSPC'), setFailpoints('')
 *
 * A specification is `point@from=action`, several of them joined by `;`. `from` is which time the point is reached, counted from 1 since the
 * specification was set; `5..9` and `5..` are ranges. Actions: `kill` (SIGKILL of this process), `slow:MS` (blocks the thread), `stop` (SIGSTOP),
 * or a code that is thrown, such as `ENOSPC`, `EIO`, `EROFS`, `EACCES`.
 *
 * It works on `node:fs` itself, and knows the steps by what the spool does there.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

export const POINTS = [
  // A segment file: made, with its header, appended to, acknowledged in its header, brought to the disk, removed.
  'segment.create',
  'segment.created',
  'segment.begun',
  'append.before',
  'append.torn',
  'append.after',
  'acknowledge.before',
  'acknowledge.torn',
  'acknowledge.after',
  'sync.before',
  'remove.before',
  'remove.after',
  // The folder of an instance: made, named, beating, left.
  'claim.made',
  'claim.name',
  'claim.named',
  'beat.before',
  'leave.before',
  // A dead instance's folder: taken, cleaned, its segments opened; a silent one's: copied, named, marked.
  'adopt.take',
  'adopt.taken',
  'adopt.cleaned',
  'adopt.open',
  'adopt.opened',
  'copy.before',
  'copy.half',
  'copy.after',
  'copy.marked',
]

const SEGMENT = /[/\\]\d{8}(-\d+)?\.seg$/
const INSTANCE = '[0-9a-f]{8}-[0-9a-f-]{27}'
const UNNAMED = new RegExp(`[/\\\\]\\.${INSTANCE}$`)
const NESTED = new RegExp(`[/\\\\]${INSTANCE}[/\\\\]${INSTANCE}$`)
const LEAVING = /"closed":true/
const ACKNOWLEDGED_AT = 8

/** @type {Map<string, { from: number, to: number, action: string }[]>} */
let wanted = new Map()
/** @type {Map<string, number>} */
let reached = new Map()
/** Files that are segments, by descriptor. */
const segments = new Set()

export function setFailpoints(specification) {
  wanted = new Map()
  reached = new Map()
  for (const one of specification.split(';').filter((text) => text !== '')) {
    const match = /^([a-z.]+)@(\d+)(\.\.(\d*))?=(.+)$/.exec(one)
    if (match === null || !POINTS.includes(match[1])) throw new Error(`no failpoint: ${one}`)
    const [, point, first, range, last, action] = match
    const from = Number(first)
    const to = range === undefined ? from : last === '' ? Number.POSITIVE_INFINITY : Number(last)
    wanted.set(point, [...(wanted.get(point) ?? []), { from, to, action }])
  }
}

/** How often a point was reached since the specification was set. */
export function timesReached(point) {
  return reached.get(point) ?? 0
}

/** The action that is due now at this point, and counts that it was reached. */
function due(point) {
  const times = (reached.get(point) ?? 0) + 1
  reached.set(point, times)
  return wanted.get(point)?.find(({ from, to }) => from <= times && times <= to)?.action
}

function reach(point) {
  const action = due(point)
  if (action !== undefined) act(action)
}

function act(action) {
  if (action === 'kill') {
    process.kill(process.pid, 'SIGKILL')
    // The signal may take a moment: nothing of the program goes on meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
  }
  if (action === 'stop') {
    process.kill(process.pid, 'SIGSTOP')
    return
  }
  if (action.startsWith('slow:')) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(action.slice(5)))
    return
  }
  throw Object.assign(new Error(`${action}: failpoint`), { code: action })
}

function patch(object, name, make) {
  object[name] = make(object[name])
}

patch(fs, 'openSync', (original) => (path, flags, mode) => {
  const isSegment = typeof path === 'string' && SEGMENT.test(path) && flags !== 'r'
  if (flags === 'r+' && String(path).endsWith('owner.json')) reach('beat.before')
  const isNew = isSegment && String(flags).startsWith('wx')
  if (isSegment) reach(isNew ? 'segment.create' : 'adopt.open')
  const fd = original(path, flags, mode)
  if (isSegment) segments.add(fd)
  if (isSegment) reach(isNew ? 'segment.created' : 'adopt.opened')
  return fd
})

patch(fs, 'closeSync', (original) => (fd) => {
  segments.delete(fd)
  return original(fd)
})

patch(fs, 'writeSync', (original) => (fd, bytes, offset, length, position) => {
  if (!segments.has(fd)) return original(fd, bytes, offset, length, position)
  if (position === 0) {
    const written = original(fd, bytes, offset, length, position)
    reach('segment.begun')
    return written
  }
  const step = position === ACKNOWLEDGED_AT ? 'acknowledge' : 'append'
  reach(`${step}.before`)
  const torn = due(`${step}.torn`)
  if (torn !== undefined) {
    const written = original(fd, bytes, offset, length >> 1, position)
    // A disk that is full takes a part and says so; anything else comes after it.
    if (torn === 'ENOSPC') return written
    act(torn)
  }
  const written = original(fd, bytes, offset, length, position)
  reach(`${step}.after`)
  return written
})

patch(fs, 'fdatasync', (original) => (fd, done) => {
  const action = segments.has(fd) ? due('sync.before') : undefined
  if (action === undefined || action === 'kill' || action.startsWith('slow:')) {
    if (action !== undefined) act(action)
    original(fd, done)
  } else setImmediate(done, Object.assign(new Error(`${action}: failpoint`), { code: action }))
})

patch(fs, 'rmSync', (original) => (path, options) => {
  const isSegment = SEGMENT.test(path)
  if (isSegment) reach('remove.before')
  original(path, options)
  if (isSegment) reach('remove.after')
  if (path.endsWith('owner.sock')) reach('adopt.cleaned')
})

patch(fs, 'mkdirSync', (original) => (path, options) => {
  const made = original(path, options)
  if (UNNAMED.test(path)) reach('claim.made')
  return made
})

patch(fs, 'renameSync', (original) => (from, to) => {
  const point = UNNAMED.test(from) ? 'claim.name' : NESTED.test(to) ? 'adopt.take' : undefined
  if (point !== undefined) reach(point)
  original(from, to)
  if (point !== undefined) reach(point === 'claim.name' ? 'claim.named' : 'adopt.taken')
})

patch(fs, 'writeFileSync', (original) => (path, data, options) => {
  if (LEAVING.test(String(data)) && String(path).endsWith('owner.json')) reach('leave.before')
  original(path, data, options)
  if (String(path).endsWith('copied.json')) reach('copy.marked')
})

patch(fs.promises, 'copyFile', (original) => async (from, to, mode) => {
  reach('copy.before')
  await original(from, to, mode)
  reach('copy.half')
})

patch(fs.promises, 'rename', (original) => async (from, to) => {
  await original(from, to)
  if (SEGMENT.test(to)) reach('copy.after')
})

syncBuiltinESMExports()
setFailpoints(process.env.THROUGHLINE_FAILPOINT ?? '')
