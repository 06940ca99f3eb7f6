import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs, parseEnv } from 'node:util'
import { diagnose } from '../doctor/doctor.js'
import { diagnosisJson, printer, printVerdict } from '../doctor/report.js'
import { findTargets, type Targets } from '../doctor/targets.js'
import { CliError } from '../errors.js'
import { runningStack } from '../stack/handover.js'

export const DOCTOR_HELP = `throughline doctor [--json] [--dir DIR] [--project DIR | --no-project] [--env-file FILE] [places]

Sends one synthetic operation and two measurements, and follows them hop by hop: the SDK in this project, the Collector, the recorder, Postgres, Jaeger,
Prometheus, CloudWatch. One line a hop with its time, what is wrong, and the command that mends it. What it sends is in no report and no sum.

Places are found by themselves: in the variables of the service, the Collector and the recorder, else in the stack that runs here (npm start,
throughline dev).

  --dir                folder of that stack (default: .throughline)
  --project            folder of the service whose packages are looked at (default: this one); --no-project leaves them out
  --env-file           variables of the service, such as .env; those of the shell win
  --otlp               base URL of the Collector's OTLP/HTTP receiver
  --collector-metrics  URL of its own metrics page
  --recorder           base URL of the recorder
  --token-file         file with a token of role read (default: THROUGHLINE_RECORDER_TOKEN, else that of the stack)
  --jaeger             base URL of Jaeger's API
  --prometheus         base URL of Prometheus
  --cloudwatch         base URL of the stand-in for CloudWatch
  --spool              folder of the spool
  --timeout            longest wait for one answer (default: 3s)
  --wait               longest wait for what was sent to arrive (default: 15s)
  --json               one JSON document: state, time, finding and command of each hop

Exit code 1 if a hop failed; warnings alone are 0. Every hop and every state: docs/guides/doctor.md`

const options = {
  json: { type: 'boolean', default: false },
  dir: { type: 'string', default: '.throughline' },
  project: { type: 'string', default: '.' },
  'no-project': { type: 'boolean', default: false },
  'env-file': { type: 'string' },
  otlp: { type: 'string' },
  'collector-metrics': { type: 'string' },
  recorder: { type: 'string' },
  'token-file': { type: 'string' },
  jaeger: { type: 'string' },
  prometheus: { type: 'string' },
  cloudwatch: { type: 'string' },
  spool: { type: 'string' },
  timeout: { type: 'string', default: '3s' },
  wait: { type: 'string', default: '15s' },
} as const

/** `throughline doctor`. Resolves with the exit code. */
export async function doctor(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options })
  const timeoutMs = lengthOf('--timeout', values.timeout)
  const waitMs = lengthOf('--wait', values.wait)
  const token = values['token-file']
  const targets = findTargets(
    {
      ...values,
      collectorMetrics: values['collector-metrics'],
      token: token === undefined ? undefined : contentOf('--token-file', token).trim(),
    },
    { ...variablesOf(values['env-file']), ...process.env },
    runningStack(values.dir),
  )
  refuseWrongUrls(targets)
  const project = values['no-project'] ? undefined : resolve(values.project)
  const onResult = values.json ? undefined : printer(targets)
  const diagnosis = await diagnose({ targets, project, timeoutMs, waitMs }, onResult)
  if (values.json) process.stdout.write(`${diagnosisJson(diagnosis)}\n`)
  else printVerdict(diagnosis)
  endSoon()
  return diagnosis.ok ? 0 : 1
}

function variablesOf(file: string | undefined): Record<string, string | undefined> {
  return file === undefined ? {} : parseEnv(contentOf('--env-file', file))
}

function contentOf(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CliError('TL_USAGE', `${option} ${file} cannot be read.`, { cause })
  }
}

function refuseWrongUrls(targets: Targets): void {
  const { tracesUrl, metricsUrl, recorderUrl, jaeger, prometheus, cloudwatch, collectorMetrics } = targets
  for (const url of [
    tracesUrl,
    metricsUrl,
    recorderUrl,
    jaeger,
    prometheus,
    cloudwatch,
    collectorMetrics.url,
  ])
    if (url && !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)))
      throw new CliError('TL_USAGE', `${url} is no http or https URL such as http://127.0.0.1:4318.`)
}

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000 }

function lengthOf(option: string, text: string): number {
  const found = /^(\d{1,6})(ms|s|m)$/.exec(text)
  const ms = found === null ? 0 : Number(found[1]) * units[found[2]!]!
  if (ms >= 1 && ms <= 600_000) return ms
  throw new CliError(
    'TL_USAGE',
    `${option} is ${text}: a time such as 500ms, 3s or 1m is needed, at most 10m.`,
  )
}

/** A file system or a name server that hangs would keep the process alive behind its answer. */
function endSoon(): void {
  setTimeout(() => process.exit(), 500).unref()
}
