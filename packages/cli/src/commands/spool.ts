import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { SdkError } from '@throughline/sdk'
import { drainSpool, inspectSpool, readRecords, type SpoolFile } from '@throughline/sdk/spool'
import { CliError } from '../errors.js'
import { columns } from '../terminal/columns.js'
import { plural } from '../terminal/plural.js'
import { say } from '../terminal/print.js'

export const SPOOL_HELP = `throughline spool inspect DIR [--records N] [--json]
throughline spool drain DIR [--timeout SECONDS] [--json]

The folder where services keep their records until these have arrived (THROUGHLINE_SPOOL_DIR).

  inspect  what waits there, what was refused for good and what cannot be read; changes nothing
  drain    sends what ended instances left, and waits until living ones have sent what they hold: for the end of a container (preStop)
           or of a machine. Exit 0 when all that waited at the beginning is gone, 1 when the time is up

  --records  shows the first N records of each file (default 0; of refused ones 10)
  --timeout  for drain (default 25: within the 30 s that Kubernetes gives)
  --json     one JSON document on standard output

drain sends as the service would: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, THROUGHLINE_RECORDER_URL, THROUGHLINE_RECORDER_TOKEN.`

/** `throughline spool`. */
export async function spool(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      records: { type: 'string' },
      timeout: { type: 'string', default: '25' },
      json: { type: 'boolean', default: false },
    },
  })
  const [verb, dir, ...more] = positionals
  if (dir === undefined || more.length > 0 || (verb !== 'inspect' && verb !== 'drain'))
    throw new CliError('TL_USAGE', `inspect or drain and one folder are needed.\n\n${SPOOL_HELP}`)
  if (verb === 'drain') return drain(resolve(dir), numberOf('--timeout', values.timeout, 86_400), values.json)
  const records =
    values.records === undefined ? undefined : numberOf('--records', values.records, Number.MAX_SAFE_INTEGER)
  await inspect(resolve(dir), records, values.json)
  return 0
}

async function inspect(dir: string, limit: number | undefined, json: boolean): Promise<void> {
  const files = await inspectSpool(dir)
  const shown = files.map((file) => ({
    ...file,
    ranges: file.ranges.map(([lo, hi]) => [Number(lo), Number(hi)]),
    first: readRecords(file.path, limit ?? (file.kind === 'quarantine' ? 10 : 0)),
  }))
  if (json) return say(JSON.stringify(shown))
  if (files.length === 0) return say(`There is nothing in ${dir}.`)
  columns(
    ['KIND', 'RECORDS', 'BYTES', 'SERVICE', 'OWNER', 'FILE'],
    files.map((file) => [
      file.kind,
      String(file.records),
      String(file.bytes),
      file.service || '–',
      ownerOf(file),
      file.path.slice(dir.length + 1),
    ]),
  )
  for (const { path, first, unreadable } of shown) {
    if (unreadable > 0)
      say(`${path}: ${plural(unreadable, 'byte at its end is no record', 'bytes at its end are no records')}`)
    if (first.length === 0) continue
    say()
    say(path)
    columns(
      ['SEQ', 'STARTED', 'TRACE', 'CORRELATION', 'NAME'],
      first.map((one) => [
        String(one.seq),
        new Date(one.startedAtMs).toISOString(),
        one.traceId,
        one.correlationId ?? '–',
        one.name,
      ]),
    )
  }
}

function ownerOf({ alive }: SpoolFile): string {
  if (alive === undefined) return '–'
  return alive ? 'alive' : 'gone'
}

async function drain(dir: string, seconds: number, json: boolean): Promise<number> {
  const log = (line: string) => process.stderr.write(`${line}\n`)
  const drained = await drainSpool({ spoolDir: dir, timeoutMs: seconds * 1_000, log }).catch((error) => {
    if (error instanceof SdkError) throw new CliError('TL_USAGE', error.message, { cause: error })
    throw error
  })
  if (json) say(JSON.stringify(drained))
  else
    say(
      drained.done
        ? `${dir}: all that waited has been sent.`
        : `${dir}: ${plural(drained.left, 'record waits', 'records wait')} still.`,
    )
  return drained.done ? 0 : 1
}

function numberOf(option: string, text: string, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0 && number <= most) return number
  throw new CliError('TL_USAGE', `${option} is ${text}: a whole number is needed.`)
}
