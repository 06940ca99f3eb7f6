import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { filesBelow, packages, read } from './workspace.js'

const names = packages.map(({ manifest }) => manifest.name)
const files = filesBelow('.changeset', (path) => path.endsWith('.md') && !path.endsWith('README.md'))

test.each(files)('%s says of packages that there are what is new', (path) => {
  const [, head = '', text = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]+)$/.exec(read(path)) ?? []
  const bumps = Object.entries((parse(head) ?? {}) as Record<string, string>)
  expect(bumps.length).toBeGreaterThan(0)
  for (const [name, bump] of bumps) {
    expect(names).toContain(name)
    expect(['major', 'minor', 'patch']).toContain(bump)
  }
  expect(text.trim().length).toBeGreaterThan(20)
})

test('all packages are released together, at one version that the changelog knows', () => {
  const { fixed } = JSON.parse(read('.changeset/config.json')) as { fixed: string[][] }
  expect(fixed).toEqual([['@throughline/*']])
  const versions = [...new Set(packages.map(({ manifest }) => manifest.version))]
  expect(versions).toHaveLength(1)
  expect(read('CHANGELOG.md')).toContain(`\n## ${versions[0]}\n`)
})
