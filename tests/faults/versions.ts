import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { promisify } from 'node:util'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'

const run = promisify(execFile)

/** What took part in a run, as its document says. */
export async function versionsOf(postgres: string): Promise<Record<string, string>> {
  const { stdout } = await run(await ensureBinary('otelcol'), ['--version'])
  const own = new URL('../../package.json', import.meta.url)
  return {
    Throughline: await versionIn(own),
    Node: process.versions.node,
    Collector: /(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? stdout.trim(),
    Postgres: postgres,
    on: `${cpus().length} × ${cpus()[0]?.model ?? 'an unknown processor'}`,
  }
}

async function versionIn(file: URL): Promise<string> {
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version
}
