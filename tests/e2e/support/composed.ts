import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@throughline/cli'
import { parse } from 'yaml'
import { composeBinary } from '../../support/compose-binary.js'
import { call, dockerHostOf, type TestEngine } from '../../support/docker-engine.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** What the engine says of a container, as far as it is looked at here. */
export interface Inspected {
  Name: string
  State: { Status: string; ExitCode: number; Pid: number; Health?: { Status: string } }
  Config: { User: string; Env: string[]; Image: string; Labels: Record<string, string> }
  HostConfig: {
    ReadonlyRootfs: boolean
    Privileged: boolean
    CapDrop: string[] | null
    CapAdd: string[] | null
    SecurityOpt: string[] | null
    Memory: number
    NanoCpus: number
    PidsLimit: number | null
    PortBindings: Record<string, { HostIp: string }[]> | null
    LogConfig: { Config: Record<string, string> }
  }
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
}

interface RunOptions {
  /** Instead of those of the test. */
  files?: string[]
  /** Files for standard input and output. */
  from?: string
  to?: string
}

/** docker-compose.yml on an engine of the test's own, with images of that engine and ports that are free. */
export async function composed(engine: TestEngine, dir: string, files: string[] = []) {
  const compose = await composeBinary()
  const ports = await freePorts()
  const project = `tl${engine.bridges.slice(3, -1).toLowerCase()}`
  const own = join(dir, 'test.yaml')
  const socket = dockerHostOf(engine).slice('unix://'.length)
  const given = ['docker-compose.yml', ...files]
  writeFileSync(own, testSettings(given, engine.bridges))
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    DOCKER_CONFIG: dir,
    DOCKER_HOST: dockerHostOf(engine),
    // The engine gives its socket to a group; who is in it may start containers.
    DOCKER_SOCKET: socket,
    DOCKER_GID: String(statSync(socket).gid),
    ...Object.fromEntries(
      Object.entries(ports).map(([name, port]) => [
        `THROUGHLINE_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
        String(port),
      ]),
    ),
  }

  function run(args: string[], options: RunOptions = {}): Promise<string> {
    const chosen = (options.files ?? [...given.map((file) => join(root, file)), own]).flatMap((file) => [
      '-f',
      file,
    ])
    const all = [
      '--project-name',
      project,
      '--project-directory',
      root,
      '--progress',
      'quiet',
      ...chosen,
      ...args,
    ]
    return new Promise((resolve, reject) => {
      const stdin = options.from === undefined ? 'ignore' : openSync(options.from, 'r')
      const stdout = options.to === undefined ? 'pipe' : openSync(options.to, 'w', 0o600)
      const child = spawn(compose, all, { env, stdio: [stdin, stdout, 'pipe'] })
      for (const file of [stdin, stdout]) if (typeof file === 'number') closeSync(file)
      let [said, complained] = ['', '']
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text))
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (complained += text))
      child.once('error', reject)
      child.once('close', (code) => {
        if (code === 0) resolve(said)
        else reject(new Error(`compose ${args.join(' ')}: ${complained}${said}`))
      })
    })
  }

  async function containers(): Promise<Map<string, Inspected>> {
    const filters = JSON.stringify({ label: [`com.docker.compose.project=${project}`] })
    const listed = await json<{ Id: string }[]>(
      `/containers/json?all=1&filters=${encodeURIComponent(filters)}`,
    )
    const all = await Promise.all(listed.map(({ Id }) => json<Inspected>(`/containers/${Id}/json`)))
    return new Map(all.map((one) => [one.Config.Labels['com.docker.compose.service'] as string, one]))
  }

  async function json<T>(path: string): Promise<T> {
    const { status, body } = await call(engine.connection, 'GET', path)
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body}`)
    return JSON.parse(body) as T
  }

  return {
    ports,
    project,
    json,
    containers,
    /** `docker compose` with the arguments: its standard output; rejects with what it said. */
    compose: run,
    /** Where the engine keeps a volume. */
    volume: async (name: string) =>
      (await json<{ Mountpoint: string }>(`/volumes/${project}_${name}`)).Mountpoint,
    /** Address of a service inside: an engine of one's own is on the same host. */
    async address(service: string): Promise<string> {
      const networks = (await containers()).get(service)?.NetworkSettings.Networks
      return networks?.[`${project}_inside`]?.IPAddress as string
    },
  }
}

export type Composed = Awaited<ReturnType<typeof composed>>

/** Services of the files, by what each of them says. */
function servicesOf(files: string[]): Record<string, Record<string, unknown>> {
  return Object.assign(
    {},
    ...files.map(
      (file) =>
        (
          parse(readFileSync(join(root, file), 'utf8'), { merge: true }) as {
            services: Record<string, Record<string, unknown>>
          }
        ).services,
    ),
  )
}

/**
 * What differs in a test: nothing is pulled or built, bridges have names that the engine removes, and health is asked for often, so that
 * nobody waits for the tenth second.
 */
function testSettings(files: string[], bridges: string): string {
  const services = Object.entries(servicesOf(files)).map(([name, service]) => {
    const lines = [`  ${name}:`, '    pull_policy: never']
    if ('build' in service) lines.push('    build: !reset null')
    if ('healthcheck' in service) lines.push('    healthcheck: {interval: 2s}')
    return lines.join('\n')
  })
  const networks = ['inside', 'outside'].map(
    (name) => `  ${name}: {driver_opts: {com.docker.network.bridge.name: ${bridges}${name.slice(0, 3)}}}`,
  )
  return ['services:', ...services, 'networks:', ...networks, ''].join('\n')
}
