import type { Case, Group, Result } from './case.js'
import { unhandledCases } from './unhandled.js'

/** What `peers.mjs` has written: results by `group: case`, records counted. */
export interface Peers {
  readonly node: string
  readonly peers: Record<string, Peer>
}

interface Peer {
  readonly package: string
  readonly version: string
  readonly cases: Record<string, Omit<Result, 'records'> & { records: Record<string, number> }>
  /** Unhandled rejections reported, in the order of `unhandledCases`. */
  readonly unhandled: number[]
  /** The same without any wrapping. */
  readonly bare: number[]
}

export const key = (group: Group, one: Case): string => `${group.title}: ${one.what}`

const HEAD = `# The torture table

What a caller sees of a wrapped function, and what is recorded of it, case by case. Written by \`npm run torture\`; every row is a test of
\`npm test\`, which also fails when this page is not current.

- **What comes back** is the same with and without tracking, checked in each case.
- **Recorded** is what span, metric and row say alike: one word an operation. The recorded time holds all the work of the case and is not
  longer than the case; checked in each case, too.
- A peer's column says ✓ when it does all of that, else what it does instead: \`0 of 46 ms\` is the time recorded of the time that the work took.
  A dash: the case is about an option of \`track\`. Of peers it is not asked which kind of error it was, only that it was one.
`

/** The page, from the cases (each of which is a test) and what the peers did. */
export function page(groups: readonly Group[], orms: readonly Group[], peers: Peers): string {
  const names = Object.values(peers.peers)
  const versions = names.map((peer) => `${peer.package} ${peer.version}`).join(', ')
  const lines = [HEAD, `Peers, run on Node ${peers.node.replace('v', '')}: ${versions}.`, '']
  for (const group of groups) {
    lines.push(`## ${group.title}`, '')
    lines.push(
      `| case | what comes back | recorded | Throughline | ${names.map((peer) => peer.package).join(' | ')} |`,
    )
    lines.push(`| --- | --- | --- | --- | ${names.map(() => '---').join(' | ')} |`)
    for (const one of group.cases) {
      const cells = names.map((peer) => (one.own ? '–' : verdict(one, peer.cases[key(group, one)])))
      lines.push(`| ${[one.what, one.back, recorded(one), '✓', ...cells].join(' | ')} |`)
    }
    lines.push('')
  }
  lines.push(...unhandled(names))
  for (const group of orms) {
    lines.push(`## ${group.title}`, '', 'Against a real Postgres; the peers are not run here.', '')
    lines.push('| case | what comes back | recorded | Throughline |', '| --- | --- | --- | --- |')
    for (const one of group.cases) lines.push(`| ${[one.what, one.back, recorded(one), '✓'].join(' | ')} |`)
    lines.push('')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function recorded(one: Case): string {
  const count = one.records.length
  if (count === 0) return 'nothing'
  return count > 1 ? `${count.toLocaleString('en')} × ${one.records[0]}` : (one.records[0] as string)
}

function verdict(one: Case, result: Peer['cases'][string] | undefined): string {
  if (result === undefined) return 'not run'
  const found: string[] = []
  if (result.faults[0] !== undefined) found.push(short(result.faults[0]))
  const count = Object.values(result.records).reduce((sum, n) => sum + n, 0)
  if (count !== one.records.length)
    found.push(count === 0 ? 'nothing recorded' : `${count.toLocaleString('en')} operations`)
  else if (count > 0) {
    const expected = one.records[0]?.split(' ')[0]
    const said = Object.keys(result.records)[0]
    if (said !== expected) found.push(`says ${said}`)
    if (!result.timed && result.recordedMs < result.workedMs)
      found.push(`${result.recordedMs.toFixed(0)} of ${result.workedMs.toFixed(0)} ms`)
  }
  return found.length === 0 ? '✓' : found.join('; ')
}

function short(fault: string): string {
  const text = fault.replaceAll('|', '\\|').replaceAll('\n', ' ')
  return text.length > 90 ? `${text.slice(0, 90)}…` : text
}

function unhandled(names: Peer[]): string[] {
  const kinds = [...new Set(unhandledCases.map(({ kind }) => kind))]
  const acts = [...new Set(unhandledCases.map(({ act }) => act))]
  const cell = (peer: Peer, kind: string) => {
    const wrong = unhandledCases.flatMap((one, i) =>
      one.kind === kind && peer.unhandled[i] !== peer.bare[i]
        ? [`${one.act}: ${peer.unhandled[i]} instead of ${peer.bare[i]}`]
        : [],
    )
    return wrong.length === 0 ? '✓' : wrong.join('; ')
  }
  return [
    '## Rejections that nobody handles',
    '',
    `How many unhandled rejections the process reports, compared with the unwrapped call. Each kind in ${acts.length} ways: ${acts.join(', ')}.`,
    '',
    `| case | what comes back | Throughline | ${names.map((peer) => peer.package).join(' | ')} |`,
    `| --- | --- | --- | ${names.map(() => '---').join(' | ')} |`,
    ...kinds.map(
      (kind) =>
        `| ${[kind, 'as many reports as unwrapped', '✓', ...names.map((peer) => cell(peer, kind))].join(' | ')} |`,
    ),
    '',
  ]
}

/** For a terminal: what was measured this time. */
export function lines(groups: readonly Group[], results: ReadonlyMap<string, Result>): string {
  const text: string[] = []
  for (const group of groups) {
    text.push(`\n${group.title}`)
    for (const one of group.cases) {
      const result = results.get(key(group, one))
      const good =
        result !== undefined &&
        result.faults.length === 0 &&
        result.timed &&
        result.records.join() === one.records.join()
      const time =
        result === undefined
          ? 'not run'
          : one.records.length > 2
            ? ''
            : `${result.recordedMs.toFixed(1)} ms for ${result.workedMs.toFixed(1)} ms of work`
      text.push(
        `  ${good ? 'ok  ' : 'MISS'} ${one.what.padEnd(62)} ${recorded(one).padEnd(24)} ${time}`.trimEnd(),
        ...(result?.faults ?? []).map((fault) => `       ${fault}`),
      )
    }
  }
  return `${text.join('\n')}\n`
}
