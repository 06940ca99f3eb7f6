import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../../packages/cli/bin/throughline.js', import.meta.url))

export interface Report {
  ok: boolean
  id: string
  traceId: string
  tookMs: number
  hops: {
    hop: string
    title: string
    state: 'ok' | 'warning' | 'failed' | 'not reached' | 'skipped'
    tookMs: number
    found: string
    mend: string | null
  }[]
}

/** `throughline doctor` as a person runs it: in that folder, and with no variables but those given. */
export function runDoctor(
  cwd: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  const { PATH, HOME } = process.env
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, 'doctor', ...args], {
      cwd,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // It ends by itself, whatever hangs: this is for a test that fails.
      timeout: 60_000,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => {
        output += chunk
      })
    }
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** The report, and what hops are in that state. */
export async function examined(
  cwd: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{
  code: number | null
  report: Report
  in: (state: Report['hops'][number]['state']) => string[]
}> {
  const { code, output } = await runDoctor(cwd, ['--json', ...args], env)
  let report: Report
  try {
    report = JSON.parse(output) as Report
  } catch {
    throw new Error(`no report (exit code ${code}):\n${output}`)
  }
  return {
    code,
    report,
    in: (state) => report.hops.filter((hop) => hop.state === state).map(({ hop }) => hop),
  }
}
