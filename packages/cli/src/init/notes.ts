import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from './project.js'
import { readJson, readText } from './read.js'

/** The SDK's own `engines`. */
const NEEDED = 'Node 22.15 or later is needed'
/** They start a service without a script of package.json. */
const STARTERS = ['Dockerfile', 'Procfile', 'ecosystem.config.js', 'ecosystem.config.cjs']
const STARTS_NODE = /^\s*(?:CMD|ENTRYPOINT)\b.*\bnode\b|^\w+:\s.*\bnode\b/

/** What we leave to somebody else, and what will not do. */
export function notesOn(project: Project): string[] {
  const { packageManager, dependencies, folder } = project
  const notes: string[] = []
  if (packageManager.others.length > 0)
    notes.push(
      `${packageManager.because} and ${packageManager.others.join(', ')} stand side by side: ${packageManager.name} is taken.`,
    )
  const api = dependencies['@opentelemetry/api']
  if (api !== undefined && /^[~=]?1\.\d(?!\d)/.test(api))
    notes.push(`@opentelemetry/api is held at ${api}, and 1.10 or later is needed: raise it.`)
  if (existsSync(join(folder, '.pnp.cjs')))
    notes.push("Yarn's Plug'n'Play resolves --import its own way; this was tried with node_modules alone.")
  const engines = readJson(join(folder, 'package.json'))?.engines as { node?: unknown } | undefined
  const wanted = typeof engines?.node === 'string' ? engines.node : undefined
  if (wanted !== undefined && isOld(/^\D*(\d+)/.exec(wanted)?.[1]))
    notes.push(`package.json says that Node ${wanted} will do: ${NEEDED}.`)
  return [...notes, ...STARTERS.flatMap((file) => notesOnStarter(file, readText(join(folder, file)) ?? ''))]
}

function notesOnStarter(file: string, text: string): string[] {
  const lines = text.split(/\r?\n/)
  return lines.flatMap((line, at) => {
    if (STARTS_NODE.test(line) && !line.includes('@throughline/sdk/register'))
      return [
        `${file}:${at + 1} starts Node without a script: add --import @throughline/sdk/register there too.`,
      ]
    const base = /^\s*FROM\s+(?:\S+\/)?node:(\d+)/i.exec(line)?.[1]
    return isOld(base) ? [`${file}:${at + 1} is Node ${base}: ${NEEDED}.`] : []
  })
}

const isOld = (major: string | undefined): boolean => major !== undefined && Number(major) < 22
