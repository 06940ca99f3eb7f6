import { bold, dim, say, table } from '../terminal/print.js'
import type { Plan } from './plan.js'

/** What was found, before the diff. */
export function sayFound({ project, start, notes }: Plan): void {
  const { packageManager, framework, dependencies } = project
  const version = framework.dependency === undefined ? '' : ` ${dependencies[framework.dependency]}`
  const changed = Object.keys(start.scripts)
  table(project.service, [
    { label: 'Package manager', value: `${packageManager.name} (${packageManager.because})` },
    ...(project.workspace === undefined
      ? []
      : [{ label: 'Workspace', value: `its root is ${project.workspace}` }]),
    {
      label: 'Modules',
      value: `${project.modules === 'esm' ? 'ES modules' : 'CommonJS'}${project.typescript ? ', TypeScript' : ''}`,
    },
    { label: 'Framework', value: `${framework.name}${version}` },
    {
      label: 'Start line',
      value:
        [
          ...(changed.length > 0 ? [`goes into ${changed.join(', ')}`] : []),
          ...(start.already.length > 0 ? [`is there: ${start.already.join(', ')}`] : []),
        ].join('; ') || 'none is set',
    },
  ])
  for (const note of notes) say(`${bold('Note')}  ${note}`)
  if (notes.length > 0) say()
}

/** What is left to do, after the last write. */
export function sayNext({ project, start }: Plan, dir: string | undefined): void {
  for (const { where, why, mend } of start.byHand) {
    say(`${bold('By hand')}  ${where}`)
    say(`  why   ${why}`)
    say(`  mend  ${mend}`)
  }
  if (start.byHand.length > 0) say()
  const { packageManager, framework } = project
  const scripts = [...Object.keys(start.scripts), ...start.already]
  const script = scripts.find((name) => name === 'start') ?? scripts[0] ?? 'start'
  say(bold('Next'))
  say(`  ${packageManager.install}`)
  say(
    `  ${dir === undefined ? 'npx throughline dev' : `docker compose -f ${dir}/compose.yaml up --wait`}${
      dir === undefined ? '' : dim('      or without Docker: npx throughline dev')
    }`,
  )
  say(`  ${packageManager.run(script)}${dim('      with the variables of the environment example')}`)
  say()
  say('A row is what you wrap. One line makes the first:')
  const required = project.modules === 'commonjs' && !project.typescript
  say(
    required
      ? "  const { track } = require('@throughline/core')"
      : "  import { track } from '@throughline/core'",
  )
  say("  const place = track('Orders.place', async (order) => { … })")
  if (framework.correlation !== undefined)
    say(`And one answers each request with its ID: ${framework.correlation} (docs/guides/frameworks.md)`)
}
