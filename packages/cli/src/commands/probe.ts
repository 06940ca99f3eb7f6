import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CliError } from '../errors.js'
import type { Stack } from '../stack/stack.js'
import { run } from '../system/run.js'

const script = fileURLToPath(new URL('../probe-operation.js', import.meta.url))

/** Runs a small program that makes one tracked operation under the given correlation ID, in a process of its own, as a service would. */
export async function probe(stack: Stack, correlationId: string): Promise<void> {
  const register = pathToFileURL(createRequire(import.meta.url).resolve('@throughline/sdk/register')).href
  const { code, output } = await run(process.execPath, ['--import', register, script, correlationId], {
    OTEL_SERVICE_NAME: 'throughline-probe',
    OTEL_EXPORTER_OTLP_ENDPOINT: stack.otlpUrl,
    THROUGHLINE_RECORDER_URL: stack.recorderUrl,
    THROUGHLINE_RECORDER_TOKEN: stack.tokens.ingest,
    THROUGHLINE_SPOOL_DIR: `${stack.dir}/spool`,
  })
  if (code !== 0)
    throw new CliError('TL_PROBE_FAILED', `The probe ended with exit code ${code}. It printed:\n${output}`)
}
