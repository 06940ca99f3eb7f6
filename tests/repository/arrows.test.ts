import { join } from 'node:path'
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import { describe, expect, test } from 'vitest'
import { filesBelow, packages, root } from './workspace.js'

const options = await extractDepcruiseOptions(join(root, '.dependency-cruiser.mjs'))

async function graphOf(folders: string[], baseDir: string): Promise<ICruiseResult> {
  const { output } = await cruise(folders, { ...options, baseDir })
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text instead of a graph')
  return output
}

describe('the arrows between packages', () => {
  test('are looked for in every source file: a parser that cannot read TypeScript would find none, and no fault', async () => {
    const graph = await graphOf(['packages', 'examples'], root)
    const seen = graph.modules
      .filter(({ dependencies }) => dependencies.length > 0)
      .map(({ source }) => source)
    const written = ['packages', 'examples'].flatMap((folder) =>
      filesBelow(folder, (path) => /^[^/]+\/[^/]+\/src\/.*\.ts$/.test(path)),
    )
    const all = new Set(graph.modules.map(({ source }) => source))
    expect(written.filter((path) => !all.has(path))).toEqual([])
    expect(seen.length).toBeGreaterThan(written.length / 2)

    const toCore = graph.modules
      .filter(({ source }) => source.startsWith('packages/sdk/src/'))
      .flatMap(({ dependencies }) => dependencies.map(({ resolved }) => resolved))
    expect(toCore.some((path) => path.startsWith('packages/core/'))).toBe(true)
  })

  test('are named for each package that exists', () => {
    const rules = (options.ruleSet?.forbidden ?? []).map(({ name }) => name)
    for (const { folder } of packages)
      expect(rules).toContain(`arrows-of-${folder.replace(/^(instrumentation)-.*/, '$1')}`)
  })

  test('are reported where a fixture breaks them, by a type alone too', async () => {
    const graph = await graphOf(['packages', 'examples'], join(root, 'tests/repository/fixtures/arrows'))
    const broken = graph.summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`)
    expect(new Set(broken)).toEqual(
      new Set([
        'arrows-of-core: packages/core/src/type-of-otlp.ts',
        'no-inner-parts: packages/core/src/type-of-otlp.ts',
        'arrows-of-otlp: packages/otlp/src/index.ts',
        'arrows-of-instrumentation: packages/instrumentation-demo/src/index.ts',
        'arrows-of-a-new-package: packages/newcomer/src/index.ts',
        'no-inner-parts-in-examples: examples/demo/src/main.ts',
        'packages-stand-alone: packages/sdk/src/index.ts',
        'declared-dependencies-only: packages/sdk/src/index.ts',
        'no-cycles: packages/sdk/src/egg.ts',
        'all-found: packages/sdk/src/index.ts',
      ]),
    )
    const every = options.ruleSet?.forbidden?.map(({ name }: IForbiddenRuleType) => name) ?? []
    const shown = new Set(graph.summary.violations.map(({ rule }) => rule.name))
    const arrows = (name: string | undefined) => name?.startsWith('arrows-of-')
    expect(every.filter((name) => !arrows(name) && !shown.has(name ?? ''))).toEqual([])
  })
})
