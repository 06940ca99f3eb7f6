import { openSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setup as handExport } from './hand-export.mjs'

/** The same again, and for each call one `writeSync` of as many bytes as our record has. */
export async function setup() {
  const { call, flush } = await handExport()
  const path = join(tmpdir(), `throughline-bench-${process.pid}`)
  const file = openSync(path, 'a')
  unlinkSync(path)
  const record = Buffer.alloc(430, 1)
  return {
    call: async (i) => {
      const result = await call(i)
      writeSync(file, record)
      return result
    },
    flush,
  }
}
