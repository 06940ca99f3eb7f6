export type Dependencies = Readonly<Record<string, string>>

export interface Framework {
  readonly name: string
  /** Its package; undefined for a service on `node:http` alone, or on something that we do not know. */
  readonly dependency: string | undefined
  /** What answers each request with its ID, and knows its user: docs/guides/frameworks.md. */
  readonly correlation: string | undefined
}

const FRAMEWORKS: readonly Framework[] = [
  { name: 'NestJS', dependency: '@nestjs/core', correlation: 'app.use(correlation.middleware())' },
  { name: 'Fastify', dependency: 'fastify', correlation: 'app.register(fastifyCorrelation)' },
  { name: 'Express', dependency: 'express', correlation: 'app.use(correlation.middleware())' },
  // Each request has its ID by the instrumentation of HTTP; a middleware of its own there is none for.
  { name: 'Koa', dependency: 'koa', correlation: undefined },
  { name: 'Hono', dependency: 'hono', correlation: 'app.use(honoCorrelation())' },
]

/** They build and start the server themselves, in processes of their own: a start line in package.json does not reach it. */
const BUILDERS: Readonly<Record<string, string>> = {
  next: 'Next.js',
  nuxt: 'Nuxt',
  astro: 'Astro',
  '@sveltejs/kit': 'SvelteKit',
  '@remix-run/serve': 'Remix',
  '@react-router/serve': 'React Router',
}

const NODE: Framework = { name: 'none known', dependency: undefined, correlation: undefined }

export function detectFramework(dependencies: Dependencies): Framework {
  return FRAMEWORKS.find(({ dependency }) => Object.hasOwn(dependencies, dependency as string)) ?? NODE
}

/** The name of one that brings its own server, which we do not set up. */
export function builderOf(dependencies: Dependencies): string | undefined {
  const found = Object.keys(BUILDERS).find((name) => Object.hasOwn(dependencies, name))
  return found === undefined ? undefined : BUILDERS[found]
}
