import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dashboards, type Target, targetsOf } from '../../support/dashboards.js'
import type { Seen } from './panel-answers.js'

const SHOWN = 4
const LONGEST = 320

/**
 * Writes docs/dashboards.md, if `DASHBOARDS_PAGE` names it: every panel with its query and what this run saw. What another run saw of
 * panels that this one did not ask stays.
 */
export async function writePage(seen: ReadonlyMap<string, readonly Seen[]>): Promise<void> {
  const path = process.env.DASHBOARDS_PAGE
  if (!path) return
  const before = existsSync(path) ? seenIn(readFileSync(path, 'utf8')) : new Map<string, string>()
  const lineOf = ({ where }: Target): string => {
    const now = seen.get(where)
    return now === undefined ? (before.get(where) ?? 'Seen: not yet') : `Seen: ${describe(now)}`
  }
  writeFileSync(path, pageOf(lineOf))
}

function describe(seen: readonly Seen[]): string {
  // A row says much: one of them is enough.
  const shown = seen.slice(0, seen[0]?.cells === undefined ? SHOWN : 1).map(({ name, value }) => {
    const text = name === '' ? value : `${name} ${value}`
    return `\`${(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text).replaceAll('`', "'").replace(/\s+/g, ' ')}\``
  })
  const more = seen.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function pageOf(lineOf: (target: Target) => string): string {
  const parts = Object.entries(dashboards).map(([name, dashboard]) => {
    let row = ''
    const panels = targetsOf(name).map((target, at, all) => {
      const { panel } = target
      const first = all[at - 1]?.panel !== panel
      const heading = target.row === row ? '' : `### ${target.row}\n\n`
      row = target.row
      const about = first
        ? `#### ${panel.title}\n${panel.description} Unit: \`${panel.fieldConfig?.defaults.unit}\`.\n`
        : ''
      const language = target.kind === 'postgres' ? 'sql' : 'promql'
      return `${heading}${about}\`\`\`${language}\n${target.query}\n\`\`\`\n${lineOf(target)}\n`
    })
    return `## ${dashboard.title}\n${dashboard.description}\n\n[The JSON](../deploy/grafana/dashboards/${name}.json)\n\n${panels.join('\n')}`
  })
  return `${head}\n${parts.join('\n')}`
}

const head = `# Dashboards

Every panel of the [dashboards for Grafana](../deploy/grafana/README.md) with its query and what the query answered. This page is written by the tests that run each query
against a real Prometheus and a real Postgres, after the traffic of the example and a queue of jobs; the panels of containers after jobs in a
Docker engine. The figures are those of a few seconds of traffic on a small machine: they show that there is an answer, not what is usual.

\`$__rate_interval\` was four minutes, \`$__range\` an hour, and each variable stood at \`All\`. A query that is empty in good health is
written to answer 0. Grafana itself was not run: how the panels look is not seen here.

\`\`\`sh
DASHBOARDS_PAGE=docs/dashboards.md npx vitest run --project e2e tests/e2e/dashboards
\`\`\`
`

/** What a page says was seen, by where. */
function seenIn(page: string): Map<string, string> {
  return new Map(queriesOf(page).map(({ where, seen }) => [where, seen]))
}

/** The queries of a page, in its order. */
export function queriesOf(page: string): { where: string; query: string; seen: string }[] {
  const names = new Map(Object.entries(dashboards).map(([name, { title }]) => [title, name]))
  let dashboard = ''
  let row = ''
  let panel = ''
  let at = 0
  const found: { where: string; query: string; seen: string }[] = []
  const pattern = /^## (.+)$|^### (.+)$|^#### (.+)$|^```(?:promql|sql)\n([\s\S]*?)\n```\n(Seen: .*)$/gm
  for (const [, title, group, heading, query, seen] of page.matchAll(pattern)) {
    if (title !== undefined) dashboard = names.get(title) ?? title
    else if (group !== undefined) row = group
    else if (heading !== undefined) {
      panel = heading
      at = 0
    } else if (query !== undefined && seen !== undefined) {
      found.push({ where: `${dashboard} / ${row} / ${panel} ${String.fromCharCode(65 + at)}`, query, seen })
      at += 1
    }
  }
  return found
}
