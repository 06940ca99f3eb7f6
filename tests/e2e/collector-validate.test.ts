import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'

const folder = fileURLToPath(new URL('../../otel-collector/', import.meta.url))
const readme = readFileSync(join(folder, 'README.md'), 'utf8')
const inFolder = (name: string) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`)
const profiles = inFolder('profiles').map((file) => file.replace(/^profiles\/|\.yaml$/g, ''))
/** Those with components of the contrib image cannot be validated with our build. */
const contrib = inFolder('contrib')
const files = ['base.yaml', ...['profiles', 'options', 'tiers'].flatMap(inFolder), ...contrib]

/** The README's own command lines: what it tells people to type is what must pass. */
const combinations = [...readme.matchAll(/^otelcol((?: --config \S+\.yaml)+)$/gm)].map((match) =>
  match[1]!.trim(),
)

let binary: string
let storage: string
beforeAll(async () => {
  binary = await ensureBinary('otelcol')
  storage = mkdtempSync(join(tmpdir(), 'throughline-validate-'))
})
afterAll(() => rmSync(storage, { recursive: true, force: true }))

async function collector(command: string, configs: string): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    THROUGHLINE_COLLECTOR_STORAGE: storage,
    AWS_ACCESS_KEY_ID: 'validate-only',
    AWS_SECRET_ACCESS_KEY: 'validate-only',
  }
  const { stdout } = await promisify(execFile)(binary, [command, ...configs.split(' ')], { cwd: folder, env })
  return stdout
}

describe('Collector configuration', () => {
  it('the README names a combination for every profile', () => {
    for (const profile of profiles)
      expect(combinations).toContain(`--config base.yaml --config profiles/${profile}.yaml`)
  })

  it('the README names a combination for every file that our build can run', () => {
    for (const file of files.filter((name) => !contrib.includes(name)))
      expect(combinations.join(' ').split(' ')).toContain(file)
  })

  it.each(combinations)('the Collector accepts %s', async (configs) => {
    await collector('validate', configs)
  })

  it('the Collector refuses a profile without the base', async () => {
    await expect(collector('validate', '--config profiles/prometheus.yaml')).rejects.toThrow()
  })

  it.each(files)('%s keeps every extension of the base', (file) => {
    const extensions = (text: string) => /^ {2}extensions: \[(.*)\]$/m.exec(text)?.[1]?.split(', ')
    const own = extensions(readFileSync(join(folder, file), 'utf8'))
    const shared = extensions(readFileSync(join(folder, 'base.yaml'), 'utf8'))!
    if (own) expect(own).toEqual(expect.arrayContaining(shared))
  })

  it('nothing buffers before a queue, but on the way to Jaeger', () => {
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
    const pipelines = [...text.matchAll(/^ {4}([\w/]+): \{receivers: .*processors: \[([^\]]*)\]/gm)]
    expect(pipelines.map(([, name]) => name)).toEqual(
      expect.arrayContaining(['traces', 'traces/records', 'metrics']),
    )
    for (const [, name, processors] of pipelines)
      if (name !== 'traces') expect(processors, name).not.toMatch(/batch|tail|group/)
  })

  it('the README lists every variable with its default, and no other', () => {
    const used = new Map<string, string>()
    for (const file of files)
      for (const [, name, value] of readFileSync(join(folder, file), 'utf8').matchAll(
        /\$\{env:(\w+):-([^}]*)\}/g,
      ))
        used.set(name!, value!)
    const listed = new Map(
      [...readme.matchAll(/^\| `([A-Z][A-Z_]+)` \| (?:`([^`]*)` )?\|/gm)].map((match) => [
        match[1]!,
        match[2] ?? '',
      ]),
    )
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(used))
  })

  it('every address has a default: no variable is required', () => {
    for (const file of files) expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/\$\{env:\w+\}/)
  })
})
