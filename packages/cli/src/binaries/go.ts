import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { CliError } from '../errors.js'

/** Version of the Go tool chain on the PATH, for example `1.26.8`; undefined when there is none. */
export function goVersion(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('go', ['env', 'GOVERSION'], {
      env: goEnv(env),
      cwd: tmpdir(),
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.once('error', () => resolve(undefined))
    child.once('close', () => resolve(/\bgo(\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1]))
  })
}

/**
 * The user's settings for proxies and checksums hold; what would change the module files or the target does not.
 * Without cgo no C compiler is asked for. GOTOOLCHAIN=local: we do not download a tool chain behind the user's back.
 */
export function goEnv(env: NodeJS.ProcessEnv, workDir?: string): NodeJS.ProcessEnv {
  const { GOOS, GOARCH, ...rest } = env
  const fixed = { GOFLAGS: '-mod=readonly', GOWORK: 'off', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' }
  return { ...rest, ...fixed, ...(workDir ? { GOTMPDIR: workDir } : {}) }
}

/** Throws `TL_GO_MISSING` or `TL_GO_TOO_OLD` unless the tool chain can build a module with this go.mod. */
export async function requireGo(title: string, goMod: string, env: NodeJS.ProcessEnv): Promise<void> {
  const wanted = /^go (\d+\.\d+(?:\.\d+)?)/m.exec(goMod)?.[1] ?? '1.25'
  const found = await goVersion(env)
  const ways =
    `Install Go ${wanted} or newer (https://go.dev/dl), or name a binary of your own in THROUGHLINE_OTELCOL, ` +
    'THROUGHLINE_JAEGER, THROUGHLINE_PROMETHEUS and THROUGHLINE_PROMTOOL, or go on in direct mode: records and ' +
    'metrics then go straight to Postgres, without Collector, traces and Prometheus.'
  if (found === undefined) {
    throw new CliError(
      'TL_GO_MISSING',
      `${title} is built from source, which needs Go, and there is no go on the PATH. ${ways}`,
    )
  }
  if (older(found, wanted)) {
    throw new CliError(
      'TL_GO_TOO_OLD',
      `${title} is built from source, which needs Go ${wanted}; this one is ${found}. ${ways}`,
    )
  }
}

function older(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number)) as [number[], number[]]
  for (const i of [0, 1, 2]) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
