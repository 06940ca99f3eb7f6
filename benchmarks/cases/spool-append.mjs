// One record appended to the spool, as every finished operation does before its caller goes on.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeResource, encodeSpan } from '@throughline/otlp'
import { createNotices } from '../../packages/sdk/dist/esm/notices.js'
import { openSpool } from '../../packages/sdk/dist/esm/spool/spool.js'
import { makeRows, spanOf } from '../harness/rows.mjs'

export async function setup() {
  const [row] = makeRows(0, 1, Date.UTC(2026, 0, 1))
  const payload = encodeSpan(spanOf(row))
  const dir = mkdtempSync(join(tmpdir(), 'throughline-bench-'))
  const spool = await openSpool({
    dir,
    instance: row.instance,
    resource: encodeResource({ 'service.name': 'bench' }),
    maxBytes: 2 ** 31,
    durability: 'process',
    notices: createNotices((line) => process.stderr.write(`${line}\n`)),
  })
  let seq = 0
  return {
    call() {
      seq += 1
      spool.append(payload, seq)
    },
    async close() {
      await spool.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
