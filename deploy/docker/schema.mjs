// schema.mjs <folder of the secrets>: what the services need in Postgres, any number of times. Roles with no more rights than they use, the
// database of the example, the schema of this version, the tokens.
//
//   throughline_recorder     adds and reads: what arrives, what is asked
//   throughline_maintenance  the schema, partitions, tokens
//   throughline_dashboards   reads, for Grafana
//   example                  owner of a database of its own; sees nothing of the other
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '@throughline/postgres'
import { createToken } from '@throughline/postgres/tokens'
import pg from 'pg'

const folder = process.argv[2]
const secret = (name) => readFileSync(join(folder, name), 'utf8').trim()
const maintenanceUrl = secret('recorder/maintenance-url')

const server = { host: 'postgres', port: 5432, user: 'postgres', connectionTimeoutMillis: 5_000 }
const admin = new pg.Client({
  ...server,
  database: 'throughline',
  password: secret('postgres/superuser-password'),
})
await admin.connect()
try {
  for (const group of ['throughline_owner', 'throughline_writer', 'throughline_reader'])
    await role(group, 'NOLOGIN')
  await login(...userOf('recorder/database-url'), 'throughline_writer')
  await login(...userOf('recorder/maintenance-url'), 'throughline_owner')
  await login('throughline_dashboards', secret('grafana/database-password'), 'throughline_reader')
  await login(...userOf('example/database-url'))
  const { rows } = await admin.query("SELECT 1 FROM pg_database WHERE datname = 'example'")
  if (rows.length === 0) await admin.query('CREATE DATABASE example OWNER example')
  await admin.query(`
    REVOKE ALL ON DATABASE throughline FROM PUBLIC;
    REVOKE ALL ON DATABASE example FROM PUBLIC;
    REVOKE ALL ON DATABASE postgres FROM PUBLIC;
    GRANT CONNECT, CREATE ON DATABASE throughline TO throughline_owner;
    GRANT CONNECT ON DATABASE throughline TO throughline_writer, throughline_reader;
    ALTER ROLE throughline_dashboards SET default_transaction_read_only = on;
    ALTER ROLE throughline_dashboards SET statement_timeout = '30s'`)
} finally {
  await admin.end()
}

const applied = await migrate(maintenanceUrl)
const pool = new pg.Pool({ connectionString: maintenanceUrl, max: 1 })
try {
  // Roles that came after their migration get their rights here.
  await pool.query('SELECT throughline.grant_roles()')
  for (const [name, kind, file] of [
    ['Collector', 'ingest', 'collector/ingest-token'],
    ['services of the example', 'ingest', 'example/ingest-token'],
    ['Prometheus', 'read', 'prometheus/read-token'],
  ])
    await createToken(pool, { name: `compose: ${name}`, role: kind, secret: secret(file) })
} finally {
  await pool.end()
}
process.stdout.write(applied.length === 0 ? 'up to date\n' : `applied migration ${applied.join(', ')}\n`)

function userOf(file) {
  const { username, password } = new URL(secret(file))
  return [username, decodeURIComponent(password)]
}

async function role(name, options) {
  const { rows } = await admin.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name])
  const verb = rows.length === 0 ? 'CREATE' : 'ALTER'
  await admin.query(`${verb} ROLE ${admin.escapeIdentifier(name)} ${options}`)
}

async function login(name, password, group) {
  const limits = 'NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
  await role(name, `LOGIN ${limits} PASSWORD ${admin.escapeLiteral(password)}`)
  if (group !== undefined) await admin.query(`GRANT ${group} TO ${admin.escapeIdentifier(name)}`)
}
