// Writes the dashboards for Amazon CloudWatch as JSON: `node deploy/cloudwatch/generate.ts [FOLDER]`, by default beside this file.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { classic } from './classic.ts'
import { omni } from './omni.ts'

const folder = process.argv[2] ?? import.meta.dirname

for (const [name, body] of Object.entries({ dashboard: classic, 'omni-dashboard': omni }))
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(body, null, 2)}\n`)
