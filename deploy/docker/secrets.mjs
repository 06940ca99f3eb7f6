// secrets.mjs <folder>: makes the passwords and tokens that are not there yet, each in the folder of the service that uses it, mode 0600.
// What is there stays; a file that is removed is made anew at the next start, and schema.mjs tells Postgres.
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newSecret } from '@throughline/postgres/tokens'

const folder = process.argv[2]
const password = () => randomBytes(24).toString('base64url')
const url = (user, database) => () => `postgres://${user}:${password()}@postgres:5432/${database}`

const files = {
  'postgres/superuser-password': password,
  'recorder/database-url': url('throughline_recorder', 'throughline'),
  'recorder/maintenance-url': url('throughline_maintenance', 'throughline'),
  'collector/ingest-token': () => newSecret('ingest'),
  'example/database-url': url('example', 'example'),
  'example/ingest-token': () => newSecret('ingest'),
  'prometheus/read-token': () => newSecret('read'),
  'grafana/admin-password': password,
  'grafana/database-password': password,
}

for (const [name, make] of Object.entries(files)) {
  const path = join(folder, name)
  if (existsSync(path)) continue
  // Whole or not there, and never over one that somebody else has just made. No newline: the Collector takes the file as it is.
  const own = `${path}.${process.pid}`
  writeFileSync(own, make(), { mode: 0o600 })
  try {
    linkSync(own, path)
    process.stdout.write(`made ${name}\n`)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  } finally {
    rmSync(own)
  }
}
