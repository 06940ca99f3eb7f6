import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import type { Config } from '../options.js'
import { hookModulesOf } from './module-hooks.js'
import { httpHooks, undiciHooks } from './propagation.js'

/**
 * Packages `@opentelemetry/instrumentation-…` that are taken into use when the application has installed them. Those of logs, of files and of
 * raw sockets are not: their spans would outnumber all others.
 */
const INSTALLABLE = [
  'amqplib',
  'aws-sdk',
  'cassandra-driver',
  'connect',
  'express',
  'graphql',
  'grpc',
  'hapi',
  'ioredis',
  'kafkajs',
  'knex',
  'koa',
  'memcached',
  'mongodb',
  'mongoose',
  'mysql',
  'mysql2',
  'nestjs-core',
  'openai',
  'oracledb',
  'pg',
  'redis',
  'restify',
  'router',
  'socket.io',
  'tedious',
]

/** http and undici, what is installed, and what the code gave; by `OTEL_NODE_ENABLED_INSTRUMENTATIONS` and `…_DISABLED_…`. */
export async function createInstrumentations(
  config: Config,
  report: (problem: string) => void,
): Promise<Instrumentation[]> {
  const wanted = (name: string) =>
    (config.enabledInstrumentations?.includes(name) ?? true) &&
    !config.disabledInstrumentations.includes(name)
  const made: Instrumentation[] = []
  if (wanted('http')) {
    const { HttpInstrumentation } = await import('@opentelemetry/instrumentation-http')
    made.push(new HttpInstrumentation(httpHooks))
  }
  if (wanted('undici')) {
    const { UndiciInstrumentation } = await import('@opentelemetry/instrumentation-undici')
    made.push(new UndiciInstrumentation(undiciHooks))
  }
  const given = new Set(config.instrumentations.map((one) => shortName(one)))
  for (const name of INSTALLABLE)
    if (wanted(name) && !given.has(name))
      made.push(...(await installed(`@opentelemetry/instrumentation-${name}`, report)))
  return [...made, ...config.instrumentations]
}

/** `@opentelemetry/instrumentation-express` is `express`. */
export function shortName(of: Instrumentation): string {
  return of.instrumentationName.replace(/^@opentelemetry\/instrumentation-/, '')
}

/** Looked for where the application is: beside its main file, then in the working folder. */
async function installed(name: string, report: (problem: string) => void): Promise<Instrumentation[]> {
  const main = process.argv[1]
  for (const folder of [...(main === undefined ? [] : [dirname(main)]), process.cwd()]) {
    const require = createRequire(join(folder, 'application.js'))
    let path: string
    try {
      path = require.resolve(name)
    } catch {
      continue
    }
    try {
      const classes = Object.entries(require(path) as Record<string, unknown>).filter(
        ([key, value]) => key.endsWith('Instrumentation') && typeof value === 'function',
      )
      const made = classes.map(([, found]) => new (found as new () => Instrumentation)())
      await hookModulesOf(path, modulesOf(made))
      return made
    } catch (error) {
      report(
        `${name} is installed and cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      )
      return []
    }
  }
  return []
}

/** The packages that they instrument. */
function modulesOf(instrumentations: readonly Instrumentation[]): string[] {
  return instrumentations.flatMap((one) => {
    const { getModuleDefinitions } = one as { getModuleDefinitions?: () => { name: string }[] }
    return getModuleDefinitions?.call(one).map(({ name }) => name) ?? []
  })
}

/**
 * Modules that were loaded before the instrumentation that would have changed them. Seen for all that came in by `require`, and for
 * CommonJS packages that came in by `import`: they share one cache.
 */
export function loadedTooEarly(instrumentations: readonly Instrumentation[]): string[] {
  const loaded = Object.keys(createRequire(process.execPath).cache)
  return [...new Set(modulesOf(instrumentations))].filter((name) =>
    loaded.some((path) => path.replaceAll('\\', '/').includes(`/node_modules/${name}/`)),
  )
}
