/*
 * Services as their authors have them before they know of us. `tracked` is the same with the one change that makes a row: a function is
 * wrapped. Their dependencies are those that other tests have installed: `from` are folders with a lockfile of their own.
 */

export type Files = Readonly<Record<string, string>>

export interface ServiceProject {
  readonly name: string
  readonly files: Files
  readonly tracked: Files
  /** The script that starts it. */
  readonly script: string
  /** What starting it leaves in the folder. */
  readonly built?: string
  readonly from: readonly string[]
  /** What is in the row. */
  readonly operation: string
  /** What our SDK says when it starts. */
  readonly says?: string
}

const manifest = (content: object): string => `${JSON.stringify(content, null, 2)}\n`
const lockfile = (name: string) => manifest({ name, lockfileVersion: 3, requires: true, packages: {} })

const express: ServiceProject = {
  name: 'Express, CommonJS, npm',
  script: 'start',
  from: ['tests/frameworks/http'],
  operation: 'Orders.place',
  files: {
    'package.json': manifest({
      name: 'shop-express',
      version: '1.0.0',
      scripts: { dev: 'nodemon server.js', start: 'node server.js', test: 'node --test' },
      dependencies: { express: '^5.3.0' },
    }),
    'package-lock.json': lockfile('shop-express'),
    '.env.example': 'PORT=3000',
    '.gitignore': 'node_modules/\n',
    'orders.js': `async function place(id) {
  return { id, placed: true }
}

module.exports = { place }
`,
    'server.js': `const express = require('express')
const { place } = require('./orders.js')

const app = express()
app.post('/orders/:id', async (request, response) => {
  response.status(201).json(await place(request.params.id))
})
app.listen(Number(process.env.PORT), '127.0.0.1')
`,
  },
  tracked: {
    'orders.js': `const { track } = require('@throughline/core')

const place = track('Orders.place', async (id) => {
  return { id, placed: true }
})

module.exports = { place }
`,
  },
}

const fastify: ServiceProject = {
  name: 'Fastify, ES modules, pnpm',
  script: 'start',
  from: ['tests/frameworks/http'],
  operation: 'Orders.place',
  files: {
    'package.json': manifest({
      name: '@acme/shop-fastify',
      type: 'module',
      packageManager: 'pnpm@10.4.0',
      scripts: { start: 'node --enable-source-maps src/server.js' },
      dependencies: { fastify: '^5.12.0' },
    }).replaceAll('  ', '\t'),
    'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
    'src/orders.js': 'export const place = async (id) => ({ id, placed: true })\n',
    'src/server.js': `import Fastify from 'fastify'
import { place } from './orders.js'

const app = Fastify()
app.post('/orders/:id', async (request, reply) => {
  reply.code(201)
  return place(request.params.id)
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
`,
  },
  tracked: {
    'src/orders.js': `import { track } from '@throughline/core'

export const place = track('Orders.place', async (id) => ({ id, placed: true }))
`,
  },
}

const nest: ServiceProject = {
  name: 'NestJS, yarn',
  script: 'start',
  from: ['tests/frameworks/nest', 'tests/init/tools'],
  built: 'dist',
  operation: 'OrdersService.place',
  files: {
    'package.json': manifest({
      name: 'shop-nest',
      private: true,
      scripts: {
        build: 'nest build',
        start: 'nest start',
        'start:dev': 'nest start --watch',
        'start:debug': 'nest start --debug --watch',
        'start:prod': 'node dist/main',
        test: 'jest',
      },
      dependencies: {
        '@nestjs/common': '^11.2.0',
        '@nestjs/core': '^11.2.0',
        '@nestjs/platform-express': '^11.2.0',
        'reflect-metadata': '^0.2.2',
        rxjs: '^7.8.2',
      },
    }),
    'yarn.lock': '# yarn lockfile v1\n',
    'tsconfig.json': manifest({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        rootDir: 'src',
        outDir: 'dist',
        types: [],
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        skipLibCheck: true,
      },
      include: ['src'],
    }),
    'src/orders.service.ts': `import { Injectable } from '@nestjs/common'

@Injectable()
export class OrdersService {
  async place(id: string) {
    return { id, placed: true }
  }
}
`,
    'src/orders.controller.ts': `import { Controller, Param, Post } from '@nestjs/common'
import { OrdersService } from './orders.service'

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post(':id')
  place(@Param('id') id: string) {
    return this.orders.place(id)
  }
}
`,
    'src/app.module.ts': `import { Module } from '@nestjs/common'
import { OrdersController } from './orders.controller'
import { OrdersService } from './orders.service'

@Module({ controllers: [OrdersController], providers: [OrdersService] })
export class AppModule {}
`,
    'src/main.ts': `import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module'

declare const process: { env: Record<string, string> }

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: false })
  await app.listen(Number(process.env.PORT), '127.0.0.1')
}
void bootstrap()
`,
  },
  tracked: {
    'src/orders.service.ts': `import { Injectable } from '@nestjs/common'
import { track } from '@throughline/core'

@Injectable()
export class OrdersService {
  @track()
  async place(id: string) {
    return { id, placed: true }
  }
}
`,
  },
}

const serverOf = (head: string) => `${head}
const server = createServer(async (request, response) => {
  const placed = await place(request.url.split('/')[2])
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(placed))
})
server.listen(Number(process.env.PORT), '127.0.0.1')
`

const esm: ServiceProject = {
  name: 'plain ES modules, no lockfile',
  script: 'start',
  from: [],
  operation: 'Orders.place',
  files: {
    'package.json': manifest({ name: 'shop-esm', type: 'module', scripts: { start: 'node server.js' } }),
    'orders.js': 'export const place = async (id) => ({ id, placed: true })\n',
    'server.js': serverOf("import { createServer } from 'node:http'\nimport { place } from './orders.js'\n"),
  },
  tracked: {
    'orders.js': `import { track } from '@throughline/core'

export const place = track('Orders.place', async (id) => ({ id, placed: true }))
`,
  },
}

const commonjs: ServiceProject = {
  name: 'plain CommonJS, line ends of Windows, bun.lock',
  script: 'start',
  from: [],
  operation: 'Orders.place',
  files: {
    'package.json': manifest({
      name: 'shop-cjs',
      scripts: { start: 'node .' },
      main: 'server.js',
    }).replaceAll('\n', '\r\n'),
    'bun.lock': '{}\n',
    'orders.js': 'exports.place = async (id) => ({ id, placed: true })\n',
    'server.js': serverOf(
      "const { createServer } = require('node:http')\nconst { place } = require('./orders.js')\n",
    ),
  },
  tracked: {
    'orders.js': `const { track } = require('@throughline/core')

exports.place = track('Orders.place', async (id) => ({ id, placed: true }))
`,
  },
}

const tsx: ServiceProject = {
  name: 'TypeScript by tsx',
  script: 'dev',
  from: ['tests/frameworks/compilers'],
  operation: 'Orders.place',
  files: {
    'package.json': manifest({
      name: 'shop-tsx',
      type: 'module',
      scripts: { dev: 'tsx watch --clear-screen=false src/server.ts' },
      devDependencies: { tsx: '^4.23.0' },
    }),
    'src/orders.ts': 'export const place = async (id: string) => ({ id, placed: true })\n',
    'src/server.ts': serverOf(
      "import { createServer } from 'node:http'\nimport { place } from './orders.js'\n",
    ),
  },
  tracked: {
    'src/orders.ts': `import { track } from '@throughline/core'

export const place = track('Orders.place', async (id: string) => ({ id, placed: true }))
`,
  },
}

const nodemon: ServiceProject = {
  ...express,
  name: 'Express by nodemon, which runs what package.json calls main',
  from: ['tests/frameworks/http', 'tests/init/tools'],
  files: {
    ...express.files,
    'package.json': manifest({
      name: 'shop-nodemon',
      main: 'server.js',
      scripts: { start: 'nodemon --quiet' },
      dependencies: { express: '^5.3.0' },
      devDependencies: { nodemon: '^3.1.14' },
    }),
  },
}

const tsxCommonJs: ServiceProject = {
  ...tsx,
  name: 'TypeScript as CommonJS by tsx',
  script: 'start',
  files: {
    'package.json': manifest({
      name: 'shop-tsx-cjs',
      scripts: { start: 'tsx src/server.ts' },
      devDependencies: { tsx: '^4.23.0' },
    }),
    'src/orders.ts': 'export const place = async (id: string) => ({ id, placed: true })\n',
    'src/server.ts': serverOf("import { createServer } from 'node:http'\nimport { place } from './orders'\n"),
  },
}

const besideNodeSdk: ServiceProject = {
  name: 'plain CommonJS with a NodeSDK of its own that is preloaded',
  script: 'start',
  from: ['.'],
  operation: 'Orders.place',
  says: 'beside an OpenTelemetry SDK that was registered before',
  files: {
    ...commonjs.files,
    'package.json': manifest({
      name: 'shop-otel',
      scripts: { start: 'node --require ./tracing.js server.js' },
      dependencies: { '@opentelemetry/api': '^1.10.0', '@opentelemetry/sdk-node': '^0.300.0' },
    }),
    'tracing.js': `const { NodeSDK } = require('@opentelemetry/sdk-node')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')

// Where its spans would go.
const nowhere = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }
const sdk = new NodeSDK({
  instrumentations: [new HttpInstrumentation()],
  spanProcessors: [nowhere],
  metricReaders: [],
  logRecordProcessors: [],
})
sdk.start()
`,
  },
  tracked: commonjs.tracked,
}

const besideSentry: ServiceProject = {
  ...esm,
  name: 'plain ES modules with Sentry 11 from the code and dd-trace preloaded',
  from: ['tests/sdk/beside'],
  files: {
    ...esm.files,
    'package.json': manifest({
      name: 'shop-sentry',
      type: 'module',
      scripts: { start: 'node --import dd-trace/initialize.mjs server.js' },
      dependencies: { '@sentry/node': '^11.12.0', 'dd-trace': '^6.21.0' },
    }),
    'instrument.js': `import * as Sentry from '@sentry/node'

Sentry.init({ dsn: 'http://key@127.0.0.1:9/1', tracesSampleRate: 1 })
`,
    'server.js': `import './instrument.js'\n${esm.files['server.js']}`,
  },
}

export const projects: readonly [ServiceProject, ...ServiceProject[]] = [
  express,
  fastify,
  nest,
  esm,
  commonjs,
  tsx,
  nodemon,
  tsxCommonJs,
  besideNodeSdk,
  besideSentry,
]
