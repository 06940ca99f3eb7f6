// What spool-append writes, frame header included, with nothing around it.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeSpan } from '@throughline/otlp'
import { FRAME_HEADER_BYTES } from '../../packages/sdk/dist/esm/spool/frame.js'
import { makeRows, spanOf } from '../harness/rows.mjs'

export function setup() {
  const payload = encodeSpan(spanOf(makeRows(0, 1, Date.UTC(2026, 0, 1))[0]))
  const bytes = Buffer.alloc(payload.length + FRAME_HEADER_BYTES, payload)
  const dir = mkdtempSync(join(tmpdir(), 'throughline-bench-'))
  const fd = openSync(join(dir, 'records'), 'ax', 0o600)
  return {
    call() {
      writeSync(fd, bytes)
    },
    close() {
      closeSync(fd)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
