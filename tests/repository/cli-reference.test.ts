import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commands, load } from './blocks/commands.js'
import { read, root } from './workspace.js'

const page = 'docs/reference/cli.md'

const head = `# The command line

\`npx throughline <command>\`, of [\`@throughline/cli\`](../../packages/cli/README.md). This page is what \`--help\` says of each; a test compares the two, and writes the page with
\`WRITE=1 npx vitest run --project repository tests/repository/cli-reference.test.ts\`. Exit code 0: all is well; 1: it is not, or a refusal with its [code](errors.md).
`

test('docs/reference/cli.md has every command with its help', async () => {
  expect(commands.size).toBeGreaterThan(10)
  let text = `${head}\n| command | what |\n| --- | --- |\n`
  for (const { name, about } of commands.values()) text += `| [\`${name}\`](#${name}) | ${about} |\n`
  for (const { name } of commands.values())
    text += `\n## \`${name}\`\n\`\`\`text\n${(await load(name)).help.trim()}\n\`\`\`\n`
  if (process.env.WRITE === '1') writeFileSync(join(root, page), text)
  expect(read(page)).toBe(text)
})
