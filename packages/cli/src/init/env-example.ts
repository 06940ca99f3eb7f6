import { join } from 'node:path'
import type { Change } from './change.js'
import { readText } from './read.js'

const NAMES = ['.env.example', '.env.sample', '.env.template', '.env.dist', 'env.example']
const HEADING = '# Throughline'

/** What the section says; a variable that the file has already is left to it. */
export interface Settings {
  readonly service: string
  /** Where the ingest token of the pipeline stands, if the pipeline is ours. */
  readonly tokenFile: string | undefined
  /** dd-trace writes `traceparent` too, and the one that patched http last wins. */
  readonly datadog: boolean
}

/** A section at the end of the environment example, which is made where there is none. Undefined where it is there already. */
export function envExample(folder: string, settings: Settings): Change | undefined {
  const path = NAMES.find((name) => readText(join(folder, name)) !== undefined) ?? (NAMES[0] as string)
  const before = readText(join(folder, path)) ?? null
  if (before?.split(/\r?\n/).some((line) => line.startsWith(HEADING))) return undefined
  const eol = before?.includes('\r\n') ? '\r\n' : '\n'
  const known = new Set([...(before ?? '').matchAll(/^\s*(?:export\s+)?(\w+)\s*=/gm)].map(([, name]) => name))
  const lines = section(settings).filter((line) => !known.has(/^(\w+)=/.exec(line)?.[1]))
  const gap = before === null || before === '' ? '' : before.endsWith('\n') ? eol : eol + eol
  return { path, before, after: `${before ?? ''}${gap}${lines.join(eol)}${eol}` }
}

function section({ service, tokenFile, datadog }: Settings): string[] {
  return [
    `${HEADING}: who this service is, and where its records, spans and metrics go.`,
    `OTEL_SERVICE_NAME=${service}`,
    'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318',
    '# Asked whether a record is in Postgres before it leaves the spool.',
    'THROUGHLINE_RECORDER_URL=http://127.0.0.1:4400',
    tokenFile === undefined
      ? '# A token of role ingest: throughline token create.'
      : `# THROUGHLINE_INGEST_TOKEN of ${tokenFile}.`,
    'THROUGHLINE_RECORDER_TOKEN=',
    ...(datadog
      ? [
          '# dd-trace keeps to its own header, and traceparent is OpenTelemetry’s.',
          'DD_TRACE_PROPAGATION_STYLE=datadog',
        ]
      : []),
  ]
}
