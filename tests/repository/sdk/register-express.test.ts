import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { built, type Child, runNode, type Scratch, scratch } from '../../../packages/sdk/testing/child.js'
import { type Receiver, startReceiver } from '../../../packages/sdk/testing/receiver.js'
import { installOwn } from '../../support/npm.js'
import { root } from '../workspace.js'

const folder = join(root, 'tests/sdk/express')

let room: Scratch
let receiver: Receiver
let child: Child | undefined
beforeAll(() => installOwn(folder))
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  child?.process.kill('SIGKILL')
  await child?.ended
  await receiver.close()
  room.remove()
})

async function run(args: string[], env: Record<string, string> = {}): Promise<Child> {
  child = runNode(args, {
    OTEL_SERVICE_NAME: 'front',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    THROUGHLINE_SPOOL_DIR: join(room.dir, 'spool'),
    CORE: built('core/dist/esm/index.js'),
    ...env,
  })
  expect(await child.ended).toEqual({ code: 0, signal: null })
  return child
}

const register = ['--import', built('sdk/dist/esm/register.js')]
const names = (scope: string) =>
  receiver
    .spans(scope)
    .map((one) => one.name)
    .sort()

describe.each(['app.mjs', 'app.cjs'])('Express as %s, nothing said but --import', (file) => {
  test('has spans of its routes and exactly one client span a request, all in one trace under one correlation ID', async () => {
    const { stdout, stderr } = await run([...register, join(folder, file)])
    expect(JSON.parse(stdout())).toEqual({ statuses: [200, 200], id: 'order-4711' })
    expect(stderr()).toMatch(/^throughline: front; instruments http, undici, express; [^\n]*\n$/)

    const handlers = receiver
      .spans('@opentelemetry/instrumentation-express')
      .filter((one) => one.attributes['express.type'] === 'request_handler')
    expect(handlers.map((one) => one.attributes['http.route']).sort()).toEqual([
      '/inner/:id',
      '/inner/:id',
      '/outer',
    ])
    const http = receiver.spans('@opentelemetry/instrumentation-http')
    const undici = receiver.spans('@opentelemetry/instrumentation-undici')
    expect([http.filter((one) => one.kind === 3).length, undici.length]).toEqual([1, 1])
    expect(
      http
        .filter((one) => one.kind === 2)
        .map((one) => one.attributes['http.route'])
        .sort(),
    ).toEqual(['/inner/:id', '/inner/:id', '/outer'])
    const all = [
      ...http,
      ...undici,
      ...receiver.spans('@opentelemetry/instrumentation-express'),
      ...receiver.records(),
    ]
    expect(new Set(all.map((one) => one.traceId)).size).toBe(1)
    expect(new Set(all.map((one) => one.attributes['correlation.id']))).toEqual(new Set(['order-4711']))
  })
})

test('OTEL_NODE_DISABLED_INSTRUMENTATIONS and …_ENABLED_… choose', async () => {
  const disabled = await run([...register, join(folder, 'app.mjs')], {
    OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'express,undici',
  })
  expect(disabled.stderr()).toMatch(/; instruments http; /)
  expect(names('@opentelemetry/instrumentation-express')).toEqual([])
  const enabled = await run([...register, join(folder, 'app.mjs')], {
    OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'express',
  })
  expect(enabled.stderr()).toMatch(/; instruments express; /)
})

test('Express that was loaded before the SDK is named, and the application runs', async () => {
  const { stdout, stderr } = await run([
    '--require',
    join(folder, 'node_modules/express'),
    ...register,
    join(folder, 'app.cjs'),
  ])
  expect(JSON.parse(stdout())).toMatchObject({ id: 'order-4711' })
  expect(stderr()).toMatch(/loaded_too_early: express was loaded before the SDK/)
  expect(receiver.records()).toHaveLength(1)
})
