// Runs before each recorder, any number of times and in several tasks at once: the certificates of RDS, the schema of
// this version, roles with no more rights than they use, the tokens. Its text is in the task definition; what it
// imports is in the recorder's image.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { migrate } from '@throughline/postgres'
import { createToken } from '@throughline/postgres/tokens'
import pg from 'pg'

const { env } = process

/** As long as a database that is just being made, or a network that is just being joined, may take. */
const again = async (what, work) => {
  const deadline = Date.now() + Number(env.PATIENCE_MS ?? 120_000)
  for (;;)
    try {
      return await work()
    } catch (error) {
      if (Date.now() > deadline) throw error
      console.log(JSON.stringify({ level: 'warning', message: `${what}: ${error.message}; once more` }))
      await delay(2_000)
    }
}

if (env.CA_URL) {
  const certificates = await again('certificates of RDS', async () => {
    const answer = await fetch(env.CA_URL, { signal: AbortSignal.timeout(10_000) })
    const text = await answer.text()
    if (!answer.ok || !text.startsWith('-----BEGIN CERTIFICATE'))
      throw new Error(`${env.CA_URL} answers ${answer.status}`)
    return text
  })
  await mkdir(dirname(env.CA_FILE), { recursive: true })
  await writeFile(env.CA_FILE, certificates)
}
if (env.VALUE_MODEL) await writeFile(env.VALUE_MODEL_FILE, env.VALUE_MODEL)

const url = new URL(env.DATABASE)
url.username = encodeURIComponent(env.ADMIN_NAME)
url.password = encodeURIComponent(env.ADMIN_PASSWORD)

const applied = await again('schema', () => migrate(url.href))
const pool = new pg.Pool({ connectionString: url.href, max: 1 })
try {
  for (const [name, group, password] of [
    ['throughline_recorder', 'throughline_writer', env.WRITER_PASSWORD],
    ['throughline_maintenance', 'throughline_owner', env.OWNER_PASSWORD],
    ['throughline_dashboards', 'throughline_reader', env.READER_PASSWORD],
  ]) {
    // Two tasks may come here together: whoever is second finds the role there.
    await pool.query(`CREATE ROLE ${name} LOGIN`).catch((error) => {
      if (error.code !== '42710' && error.code !== '23505') throw error
    })
    await again(name, async () => {
      await pool.query(`ALTER ROLE ${name} LOGIN PASSWORD ${pg.escapeLiteral(password)}`)
      await pool.query(`GRANT ${group} TO ${name}`)
    })
  }
  await again('rights', () =>
    pool.query(`
      REVOKE ALL ON DATABASE throughline FROM PUBLIC;
      GRANT CONNECT, CREATE ON DATABASE throughline TO throughline_owner;
      GRANT CONNECT ON DATABASE throughline TO throughline_writer, throughline_reader;
      ALTER ROLE throughline_dashboards SET default_transaction_read_only = on;
      ALTER ROLE throughline_dashboards SET statement_timeout = '30s';
      SELECT throughline.grant_roles()`),
  )
  for (const [name, role, secret] of [
    ['aws, collector', 'ingest', env.COLLECTOR_TOKEN],
    ['aws, services', 'ingest', env.SERVICES_TOKEN],
    ['aws, prometheus', 'read', env.PROMETHEUS_TOKEN],
    ['aws, people', 'read', env.PEOPLE_TOKEN],
  ])
    await createToken(pool, { name, role, secret })
} finally {
  await pool.end()
}
console.log(JSON.stringify({ level: 'info', event: 'prepared', applied }))
