// Each fixture as Vitest compiles it where it is imported; its lines go to a file, since a test's output is mixed with the runner's.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { record } from './record.mjs'

for (const use of process.env.USES.split(',')) {
  test(use, async () => {
    const { run } = await import(`./fixtures/${use}/main.ts`)
    writeFileSync(join(process.env.LINES, use), `${(await record(run)).join('\n')}\n`)
  })
}
