import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { useRecorder } from '../../test/running-recorder.js'
import { settingsOf } from '../options.js'

const recorder = useRecorder()
const page = readFileSync(new URL('../../../../docs/reference/api.md', import.meta.url), 'utf8')

type Operation = {
  description: string
  parameters?: { name: string; in: string; schema: { maximum?: number } }[]
  responses: Record<string, unknown>
}
let routes: Map<string, Operation>
beforeAll(async () => {
  const { document } = await contractOf(recorder.url)
  routes = new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation as unknown as Operation,
      ]),
    ),
  )
})

/** The part of the page below a heading, up to the next one. */
const below = (heading: string): string => {
  const from = page.indexOf(`${heading}\n`)
  const rest = page.slice(from + heading.length)
  const end = rest.search(/\n##/)
  return end === -1 ? rest : rest.slice(0, end)
}
/** Names in the first column of a table. */
const named = (text: string): string[] =>
  [...text.matchAll(/^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|/gm)].flatMap(([, names]) =>
    names!.replaceAll('`', '').split(', '),
  )

describe('docs/reference/api.md', () => {
  test('has each route of the OpenAPI document, and no other', () => {
    const documented = [...page.matchAll(/^### `([A-Z]+ [^`]+)`$/gm)].map(([, route]) => route!)
    expect(documented.sort()).toEqual([...routes.keys()].sort())
  })

  test('says of each route its role and its parameters, and no others', () => {
    for (const [route, { description, parameters = [] }] of routes) {
      const section = below(`### \`${route}\``)
      const [, role] = /Role: (\w+)/.exec(description)!
      expect(section, route).toContain(`Role: ${role}.`)
      const tables = section.split('| finding |')
      const own = named(tables[0]!).concat(
        tables[1] === undefined ? [] : named(tables[1].slice(tables[1].indexOf('| parameter |'))),
      )
      const shared = [...section.matchAll(/\[(window|operation)\]\(#\1\)/g)].flatMap(([, name]) =>
        named(below(`## ${name!.charAt(0).toUpperCase()}${name!.slice(1)}`)),
      )
      const described = parameters.filter((one) => one.in === 'query').map(({ name }) => name)
      expect([...own, ...shared].sort(), route).toEqual(described.sort())
    }
  })

  test('has the largest value of each parameter that has one', () => {
    for (const [route, { parameters = [] }] of routes)
      for (const { name, schema } of parameters) {
        if (schema.maximum === undefined || name === 'confidence' || name === 'least') continue
        const text = name === 'hours' ? below('## Window') : below(`### \`${route}\``)
        expect(text, `${route} ${name}`).toContain(schema.maximum.toLocaleString('en-US'))
      }
  })

  test('has each status that a route may answer', () => {
    const documented = [...below("# The recorder's API").matchAll(/^\| (\d{3}) \|/gm)].map(
      ([, status]) => status,
    )
    const described = new Set([...routes.values()].flatMap(({ responses }) => Object.keys(responses)))
    expect(documented).toEqual([...described, '405'].sort())
  })
})

test('the connections for reading are four unless fewer are asked for', () => {
  const databaseUrl = 'postgres://nobody@127.0.0.1/nowhere'
  expect(settingsOf({ databaseUrl })).toMatchObject({ maxReads: 4, queryTimeoutMs: 10_000 })
  expect(() => settingsOf({ databaseUrl, maxReads: 5 })).toThrow(/maxReads is 5/)
  expect(() => settingsOf({ databaseUrl, jaegerUrl: 'jaeger' })).toThrow(/jaegerUrl is not a URL/)
  expect(() => settingsOf({ databaseUrl, tlsCert: 'a.pem' })).toThrow(/one is missing/)
  expect(settingsOf({ databaseUrl, jaegerUrl: 'http://jaeger:16686/' }).traceLink).toBe(
    'http://jaeger:16686/trace/{trace_id}',
  )
  for (const traceLink of [
    'https://grafana/explore',
    'javascript:{trace_id}',
    'https://grafana/a {trace_id}',
  ])
    expect(() => settingsOf({ databaseUrl, traceLink })).toThrow(/traceLink is not a URL/)
})
