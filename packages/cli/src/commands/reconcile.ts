import { parseArgs } from 'node:util'
import { CliError } from '../errors.js'
import { reconcile as account } from '../reconcile/reconcile.js'
import { accountJson, printAccount } from '../reconcile/report.js'
import { DATABASE_HELP, databaseOption, databaseUrlOf, withDatabase } from '../system/database.js'

export const RECONCILE_HELP = `throughline reconcile [--from TIME] [--to TIME] [--database URL] [--spool DIR]... [--collector URL]
                      [--prometheus URL] [--cloudwatch URL] [--json]

Accounts for every record of the service instances that lived in a time: what is stored, parked, still in a spool or a queue, refused and
counted, and what came more than once. Exit 0 only if every difference is explained.

  --from        ISO time, or so long ago as 90s, 15m, 24h, 7d (default: 24h)
  --to          the same (default: now)
${DATABASE_HELP}
  --spool       a spool folder that this machine can read; may be given several times
  --collector   the Collector's own metrics, such as http://127.0.0.1:8888/metrics
  --prometheus  compares operations and business sums with it, such as http://127.0.0.1:9090
  --cloudwatch  the same for business sums with the stand-in of throughline dev
  --json        for a program`

/** `throughline reconcile`. Resolves with the exit code. */
export async function reconcile(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      from: { type: 'string', default: '24h' },
      to: { type: 'string', default: '0s' },
      ...databaseOption,
      spool: { type: 'string', multiple: true, default: [] },
      collector: { type: 'string' },
      prometheus: { type: 'string' },
      cloudwatch: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const now = Date.now()
  const from = momentOf('--from', values.from, now)
  const to = momentOf('--to', values.to, now)
  if (from >= to)
    throw new CliError('TL_USAGE', `--from (${from.toISOString()}) is not before --to (${to.toISOString()}).`)
  const result = await withDatabase(databaseUrlOf(values.database), (pool) =>
    account({
      pool,
      from,
      to,
      spools: values.spool,
      collector: values.collector,
      prometheus: values.prometheus,
      cloudwatch: values.cloudwatch,
    }),
  )
  if (values.json) process.stdout.write(`${accountJson(result)}\n`)
  else printAccount(result)
  return result.explained ? 0 : 1
}

const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function momentOf(option: string, text: string, now: number): Date {
  const ago = /^(\d{1,9})([smhd])$/.exec(text)
  const moment = ago === null ? new Date(text) : new Date(now - Number(ago[1]) * units[ago[2]!]!)
  if (Number.isNaN(moment.getTime()))
    throw new CliError(
      'TL_USAGE',
      `${option} is '${text}': an ISO time (2026-11-22T09:00:00Z) or a length of time such as 90s, 15m, 24h or 7d`,
    )
  return moment
}
