import { createServer } from 'node:net'
import { CliError } from '../errors.js'

/** Every port of the local stack and of the example on it: default, and who listens there. The only place that knows them. */
const table = {
  otlpGrpc: [4317, 'the Collector (OTLP over gRPC)'],
  otlpHttp: [4318, 'the Collector (OTLP over HTTP)'],
  collectorHealth: [13133, 'the Collector (health check)'],
  collectorMetrics: [8888, 'the Collector (its own metrics)'],
  jaeger: [16686, 'Jaeger (API)'],
  jaegerOtlp: [14317, 'Jaeger (OTLP over gRPC, from the Collector)'],
  prometheus: [9090, 'Prometheus'],
  postgres: [54329, 'Postgres'],
  recorder: [4400, 'the recorder'],
  cloudwatch: [4319, 'the CloudWatch stand-in'],
  allocation: [3000, 'the allocation service of the example'],
  catalogue: [3001, 'the catalogue service of the example'],
  jobs: [3002, 'the job runner of the example'],
  allocationMetrics: [9464, 'the metrics page of the allocation service'],
  catalogueMetrics: [9465, 'the metrics page of the catalogue service'],
} as const satisfies Record<string, readonly [number, string]>

export type PortName = keyof typeof table
export type Ports = Record<PortName, number>

const names = Object.keys(table) as PortName[]

/** The variable that moves a port, such as `THROUGHLINE_PORT_OTLP_HTTP`. */
export function portVariable(name: PortName): string {
  return `THROUGHLINE_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/**
 * The port of each part: the option, else the environment variable, else the default.
 * Throws `TL_PORT_INVALID` for anything but a whole number from 1 to 65,535, and for one number given to two parts.
 */
export function resolvePorts(options: Partial<Ports> = {}, env: NodeJS.ProcessEnv = process.env): Ports {
  const ports = {} as Ports
  const users = new Map<number, PortName>()
  for (const name of names) {
    const given = options[name] ?? env[portVariable(name)]
    const port = given === undefined || given === '' ? table[name][0] : Number(given)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new CliError(
        'TL_PORT_INVALID',
        `${portVariable(name)} is "${given}", which is not a port (1 to 65535).`,
      )
    const other = users.get(port)
    if (other !== undefined)
      throw new CliError(
        'TL_PORT_INVALID',
        `Port ${port} is given to both ${table[other][1]} and ${table[name][1]}. Change ${portVariable(name)}.`,
      )
    users.set(port, name)
    ports[name] = port
  }
  return ports
}

/** Throws `TL_PORT_TAKEN` with the way out if a program listens on one of the ports; call it right before the part starts. */
export async function requireFree(ports: Ports, wanted: readonly PortName[]): Promise<void> {
  for (const name of wanted) {
    if (await isFree(ports[name])) continue
    throw new CliError(
      'TL_PORT_TAKEN',
      `Port ${ports[name]} is in use, and ${table[name][1]} wants it. End the program that holds it, or set ${portVariable(name)} to a free port.`,
    )
  }
}

/** What `freePorts` of this process has handed out: a port whose part was killed is free, and still not another stack's. */
const handedOut = new Set<number>()
/** Half of the range: beyond it the oldest are given back, so that there is always one to draw. */
const MOST_HANDED_OUT = 6_000

/**
 * Random free ports for tests, so that several stacks run side by side. Drawn from 20,000 to 32,000: below the range that
 * systems hand out for outgoing connections, so none of them is taken between this call and the listen.
 */
export async function freePorts(): Promise<Ports> {
  const ports = {} as Ports
  for (const name of names) {
    let port: number
    do port = 20_000 + Math.floor(Math.random() * 12_000)
    while (handedOut.has(port) || !(await isFree(port)))
    handedOut.add(port)
    ports[name] = port
  }
  for (const port of handedOut) {
    if (handedOut.size <= MOST_HANDED_OUT) break
    handedOut.delete(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
