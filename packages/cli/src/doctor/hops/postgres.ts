import type { Examination } from '../examination.js'
import {
  failed,
  type Hop,
  type HopName,
  notReached,
  type Outcome,
  ok,
  type Result,
  stopsAt,
  warning,
} from '../hop.js'

const group = 'Postgres'
/** Beyond the first the windows of reports are off; beyond the second so is what a signature is valid for. */
const noticeableMs = 1_000
const tooFarMs = 5_000

const url = '"$THROUGHLINE_DATABASE_URL"'

/** What the recorder says of its database: doctor needs no way into it. */
export function postgresHops(examination: Examination): Hop[] {
  const deadlineMs = 1_000
  const hop = (
    name: Hop['name'],
    title: string,
    needs: readonly HopName[],
    run: (examination: Examination, token: Result | undefined) => Outcome,
  ): Hop => ({
    name,
    title,
    group,
    needs,
    after: ['token'],
    deadlineMs,
    run: (_signal, before) => run(examination, before('token')),
  })
  return [
    { ...hop('clock', 'Clocks', ['token'], examineClocks), group: 'The recorder' },
    hop('postgres', 'Postgres', ['recorder'], examinePostgres),
    // A recorder that does not start on its schema says so to everybody.
    hop('schema', 'Schema', ['postgres'], examineSchema),
    hop('partitions', 'Partitions', ['schema'], examinePartitions),
  ]
}

function examineClocks({ learned }: Examination): Outcome {
  const { checks, askedAt } = learned
  if (checks === undefined || askedAt === undefined) return notReached('the recorder does not tell its time')
  const clocks = [
    { whose: 'the recorder', at: checks.at },
    ...(checks.database === null ? [] : [{ whose: 'Postgres', at: checks.database.at }]),
  ].map(({ whose, at }) => ({ whose, offMs: Date.parse(at) - askedAt.ms }))
  const worst = Math.max(...clocks.map(({ offMs }) => Math.abs(offMs))) - askedAt.withinMs
  const found = clocks.map(({ whose, offMs }) => `${whose} ${shift(offMs)}`).join(', ')
  const mend = 'sudo timedatectl set-ntp true # on the machine whose clock is wrong'
  if (worst > tooFarMs) return failed(`${found}: rows and windows do not fit together`, mend)
  if (worst > noticeableMs) return warning(found, mend)
  return ok(found)
}

/** Against the clock of this machine, within the time that one question takes. */
function shift(offMs: number): string {
  const size = Math.abs(offMs)
  const text = size < 1_000 ? `${Math.round(size)} ms` : `${(size / 1_000).toFixed(1)} s`
  return `${text} ${offMs < 0 ? 'behind' : 'ahead'}`
}

/** Codes of a recorder that reaches its database and does not start on it. */
const ofSchema = /TL_SCHEMA_OLDER|TL_SCHEMA_NEWER|TL_MIGRATION_CHANGED/

function examinePostgres({ learned, targets }: Examination): Outcome {
  const { health = 'unavailable', checks } = learned
  const version = checks?.database?.version
  if (health === 'ok' || ofSchema.test(health))
    return ok(version === undefined ? 'answers the recorder' : `${version} answers the recorder`)
  const { stack } = targets
  return failed(
    `the recorder does not reach it (${health.replace(/^database: /, '')}); records wait in the Collector`,
    stack?.parts.includes('postgres') === true
      ? `tail -n 20 ${stack.dir}/postgres/postgres.log # then start the stack again`
      : `pg_isready -d ${url} # the URL of the recorder`,
  )
}

function examineSchema({ learned }: Examination, token: Result | undefined): Outcome {
  const mend = `throughline migrate --database ${url} # as a member of throughline_owner`
  const fault = ofSchema.exec(learned.health ?? '')
  if (fault !== null) return failed(`the recorder does not start on it (${fault[0]})`, mend)
  const schema = learned.checks?.database?.schema
  if (schema === undefined) return stopsAt(token) ?? notReached('the recorder does not say')
  const { applied, known, missing } = schema
  if (schema.fault !== null) return failed(schema.fault, 'npm install @throughline/recorder@latest')
  if (missing.length > 0) return failed(`it lacks migration ${missing.join(', ')} of ${known}`, mend)
  return ok(`migration ${applied}, as this recorder knows`)
}

function examinePartitions({ learned }: Examination): Outcome {
  const partitions = learned.checks?.database?.partitions
  if (partitions === undefined) return notReached('the recorder does not say')
  const [first] = partitions.missing
  if (first === undefined) return ok(`there is one for every day to ${partitions.through}`)
  return failed(
    `none for ${partitions.missing.join(', ')} (UTC)`,
    `psql ${url} -c "SELECT throughline.create_partition('${first}')" # the recorder makes them every hour: its log says why not`,
  )
}
