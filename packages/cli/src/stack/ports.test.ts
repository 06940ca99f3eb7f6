import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { freePorts, portVariable, requireFree, resolvePorts } from './ports.js'

describe('ports', () => {
  it('an option wins over the variable, the variable over the default', () => {
    const env = { THROUGHLINE_PORT_OTLP_HTTP: '5318', THROUGHLINE_PORT_POSTGRES: '5432' }
    const ports = resolvePorts({ postgres: 6000 }, env)
    expect(ports).toMatchObject({ otlpHttp: 5318, postgres: 6000, prometheus: 9090 })
  })

  it('names the variable of a value that is no port', () => {
    for (const value of ['0', '65536', '4.5', 'http', '-1'])
      expect(() => resolvePorts({}, { THROUGHLINE_PORT_RECORDER: value })).toThrow(
        expect.objectContaining({
          code: 'TL_PORT_INVALID',
          message: expect.stringContaining('THROUGHLINE_PORT_RECORDER'),
        }),
      )
  })

  it('one number for two parts is refused before anything starts', () => {
    expect(() => resolvePorts({ recorder: 9090 }, {})).toThrow(
      /9090 is given to both Prometheus and the recorder/,
    )
  })

  it('a taken port is named with who wants it and the way out', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const { port } = holder.address() as { port: number }
    try {
      await expect(requireFree(resolvePorts({ jaeger: port }, {}), ['jaeger'])).rejects.toMatchObject({
        code: 'TL_PORT_TAKEN',
        message: expect.stringMatching(
          new RegExp(`Port ${port} is in use, and Jaeger .*${portVariable('jaeger')}`),
        ),
      })
    } finally {
      await new Promise((resolve) => holder.close(resolve))
    }
  })

  it('free ports are all different and can be listened on', async () => {
    const ports = await freePorts()
    expect(new Set(Object.values(ports)).size).toBe(Object.keys(ports).length)
    await requireFree(ports, ['otlpHttp', 'recorder'])
  })
})

it('the README lists every variable with its default', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| `(THROUGHLINE_PORT_\w+)` +\| (\d+) +\|/gm)].map(
    ([, name, port]) => [name, Number(port)] as const,
  )
  const ports = resolvePorts({}, {})
  const actual = Object.entries(ports).map(([name, port]) => [portVariable(name as keyof typeof ports), port])
  expect(listed).toEqual(actual)
})

it('a process hands out no port twice, though nobody listens on the first one', async () => {
  const drawn: number[] = []
  for (let i = 0; i < 40; i += 1) drawn.push(...Object.values(await freePorts()))
  expect(new Set(drawn).size).toBe(drawn.length)
})
