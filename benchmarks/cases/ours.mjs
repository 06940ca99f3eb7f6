import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { track } from '@throughline/core'
import { start } from '@throughline/sdk'
import { attributes, nullSink, work } from './shared.mjs'

/** track with everything: span, six attributes, metrics with exemplars, the durable record, shipped to the sink. */
export async function setup() {
  const spoolDir = mkdtempSync(join(tmpdir(), 'throughline-bench-'))
  const sdk = await start({
    serviceName: 'bench',
    endpoint: await nullSink(),
    spoolDir,
    metricsIntervalMs: 60_000,
    log: () => {},
  })
  const call = track('Billing.charge', work, { metadata: ({ args }) => attributes(args[0]) })
  return {
    call,
    flush: () => sdk.flush(10_000),
    close: async () => {
      await sdk.shutdown()
      rmSync(spoolDir, { recursive: true, force: true })
    },
  }
}
