import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts, until } from '@throughline/cli'
import pg from 'pg'
import { expect, test } from 'vitest'
import { removePostgresData } from '../../packages/cli/src/postgres/embedded.js'
import { type PortName, portVariable, resolvePorts } from '../../packages/cli/src/stack/ports.js'
import { type Block, blocksOf } from '../repository/blocks/collect.js'
import { read } from '../repository/workspace.js'
import { atEnd } from './support/test-stack.js'

const root = new URL('../..', import.meta.url).pathname
const run = promisify(execFile)
const page = 'docs/getting-started.md'

/** As a user's shell has it: nothing of the npm that runs these tests. */
function cleanEnv(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^npm_|^VITEST|^NODE_ENV$|^OTEL_|^THROUGHLINE_/.test(name),
  )
  const path = `${dirname(process.execPath)}:${process.env.PATH}`
  return {
    ...Object.fromEntries(own),
    PATH: path,
    npm_config_audit: 'false',
    npm_config_prefer_offline: 'true',
    ...more,
  }
}

/** Numbers that the page has, and the free ones that this test has in their place. */
async function portsOfPage(): Promise<{ put: (text: string) => string; variables: Record<string, string> }> {
  const free = await freePorts()
  const all = new Map(
    Object.entries(resolvePorts({}, {})).map(([name, port]) => [port, free[name as PortName]]),
  )
  return {
    put: (text) => text.replace(/\b\d{4,5}\b/g, (digits) => String(all.get(Number(digits)) ?? digits)),
    variables: Object.fromEntries(
      Object.entries(free).map(([name, port]) => [portVariable(name as PortName), String(port)]),
    ),
  }
}

/** A process that goes on until it is told to stop, in a group of its own. */
function begin(command: string, cwd: string, env: NodeJS.ProcessEnv) {
  const child = spawn('bash', ['-c', command], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk
    })
  const ended = once(child, 'close')
  return {
    said: () => said,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGINT')
      await ended
    },
  }
}

/** What a block `text` shows of an output: `…` stands for anything. */
const patternOf = ({ code }: Block): RegExp =>
  new RegExp(
    code
      .trim()
      .split('…')
      .map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*'),
  )

test('from an empty folder to a row, a metric, a value, a failure and a trace, by the commands of the page', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'throughline-begin-'))
  const shop = join(parent, 'shop')
  atEnd(async () => {
    await removePostgresData(join(shop, '.throughline', 'postgres'))
    await rm(parent, { recursive: true, force: true })
  })
  const { put, variables } = await portsOfPage()
  const env = cleanEnv(variables)
  const shown = blocksOf(page)
  const [project, dev, firstStart, firstRequest, firstShow, metrics, values, secondStart, lastRequest] = shown
    .filter(({ language }) => language === 'sh')
    .map(({ code }) => put(code)) as [string, string, string, string, string, string, string, string, string]
  const apps = shown.filter(({ language }) => language === 'js').map(({ code }) => put(code))
  const [story, series] = shown.filter(({ language }) => language === 'text').map(patternOf)
  const [sql] = shown.filter(({ language }) => language === 'sql')
  // The recorder of the page is where the command line looks by itself; the one of this test is not.
  const terminal = { ...env, THROUGHLINE_RECORDER_URL: put('http://127.0.0.1:4400') }
  const bash = async (command: string): Promise<string> =>
    (await run('bash', ['-c', command], { cwd: shop, env: terminal })).stdout
  const eventually = (command: string, pattern: RegExp): Promise<string> =>
    until(
      async () => {
        const said = await bash(command).catch((fault: { stdout: string; stderr: string }) => {
          return `${fault.stdout}${fault.stderr}`
        })
        if (!pattern.test(said)) throw new Error(said)
        return said
      },
      { what: `${pattern} of: ${command}`, deadlineMs: 60_000 },
    )

  // The packages are those of this checkout, whatever the registry has.
  const workspaces = (await readdir(join(root, 'packages'))).map((name) => `--workspace=packages/${name}`)
  await run('npm', ['pack', `--pack-destination=${parent}`, ...workspaces], { cwd: root, env: cleanEnv() })
  const tarballs = (await readdir(parent)).filter((name) => name.endsWith('.tgz')).map((name) => `../${name}`)
  const install = /^npm install (?:@throughline\/\w+ )+/m
  expect(project).toMatch(install)
  await run('bash', ['-ec', project.replace(install, `npm install ${tarballs.join(' ')} `)], {
    cwd: parent,
    env,
  })
  await writeFile(join(shop, 'app.js'), apps[0]!)

  const pipeline = begin(`exec ${dev}`, shop, env)
  atEnd(pipeline.stop)
  await until(() => /Ready without the Collector/.test(pipeline.said()), {
    what: 'the recorder of throughline dev',
    deadlineMs: 120_000,
  })

  let exported = ''
  const start = async (block: string) => {
    const lines = block.trim().split('\n')
    exported += lines
      .filter((line) => line.startsWith('export '))
      .join('\n')
      .concat('\n')
    const service = begin(`${exported}exec env ${lines.at(-1)}`, shop, env)
    atEnd(service.stop)
    await until(() => /^throughline: shop;/m.test(service.said()), {
      what: 'the status line of the service',
    })
    return service
  }
  const first = await start(firstStart)
  const answer = await eventually(firstRequest, /200 OK/)
  expect(answer).toMatch(/^x-correlation-id: order-1\r$/m)
  expect(answer).toContain('{"charged":"129.90"}')
  await eventually(firstShow, story!)
  await eventually(metrics, series!)
  await first.stop()

  await writeFile(join(shop, 'app.js'), apps[1]!)
  const second = await start(firstStart)
  const [paid, refused, showPaid, showRefused] = values.trim().split('\n') as [string, string, string, string]
  await eventually(paid, /"charged":"129.90"/)
  expect(await bash(refused)).toContain('an order is worth something, not 0')
  await eventually(showPaid, /business\.order\.value 129\.90 USD plan=pro/)
  await eventually(showRefused, /✘.*\n?.*RangeError: an order is worth something, not 0/)
  await second.stop()

  await until(() => /Ctrl-C stops everything/.test(pipeline.said()), {
    what: 'the end of the probe of throughline dev',
    deadlineMs: 840_000,
  })
  expect(pipeline.said()).toContain('One operation, sent and followed')
  expect(pipeline.said()).not.toContain('Does not hold')
  const third = await start(secondStart)
  await eventually(lastRequest, /"charged":"59.00"/)
  const table = put(read(page))
    .split('\n')
    .filter((line) => /^\| .*`(?:npx|curl) /.test(line))
  const found = [
    /order-4[\s\S]*59\.00 USD plan=free/,
    /Billing\.charge/,
    /"operation_name":"charge"/,
    /business\.order\.value/,
  ]
  expect(table).toHaveLength(found.length)
  for (const [index, line] of table.entries())
    await eventually(/`((?:npx|curl) [^`]+)`/.exec(line)![1]!, found[index]!)
  await third.stop()

  const databaseUrl = /psql '([^']+)'/.exec(pipeline.said())![1]!
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query(sql!.code)
  await client.end()
  expect(rows).toMatchObject([{ correlation_id: 'order-1', method_name: 'charge', success: true }])
  await pipeline.stop()
  expect(existsSync(join(shop, '.throughline/stack.lock'))).toBe(false)
})
