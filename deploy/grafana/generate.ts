// Writes the dashboards as JSON: `node deploy/grafana/generate.ts [FOLDER]`, by default into the folder beside this file.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { business } from './business.ts'
import { jobs } from './jobs.ts'
import { operations } from './operations.ts'
import { pipeline } from './pipeline.ts'

const folder = process.argv[2] ?? join(import.meta.dirname, 'dashboards')

for (const [name, dashboard] of Object.entries({ operations, business, jobs, pipeline }))
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(dashboard, null, 2)}\n`)
