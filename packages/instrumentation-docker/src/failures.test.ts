import { expect, test } from 'vitest'
import { ContainerError } from './errors.js'
import { containerFailure, dockerFailure, type Inspected } from './failures.js'

const ended = (state: NonNullable<Inspected['State']>): Inspected => ({
  State: { Status: 'exited', Running: false, StartedAt: '2026-01-01T10:00:00.1Z', ...state },
})

test.each<[string, Inspected | undefined, string | undefined]>([
  ['one that runs', { State: { Running: true, ExitCode: 0 } }, undefined],
  ['one that ended well', ended({ ExitCode: 0 }), undefined],
  ['exit 3', ended({ ExitCode: 3 }), 'ExitCode'],
  ['a kill for memory', ended({ ExitCode: 137, OOMKilled: true }), 'OomKilled'],
  ['a child killed for memory, the shell ending well', ended({ ExitCode: 0, OOMKilled: true }), undefined],
  ['a kill by hand', ended({ ExitCode: 137, OOMKilled: false }), 'ExitCode'],
  [
    'a program that is not there',
    {
      State: {
        Status: 'created',
        Running: false,
        ExitCode: 127,
        Error: 'exec: "nope": not found',
        StartedAt: '0001-01-01T00:00:00Z',
      },
    },
    'StartFailed',
  ],
  ['one that was never started', { State: { Status: 'created', Running: false, ExitCode: 0 } }, undefined],
  ['no inspection', undefined, undefined],
  ['an inspection without a state', {}, undefined],
])('the failure of %s', (_, inspected, name) => {
  expect(containerFailure(inspected)?.name).toBe(name)
})

/** As dockerode makes them. */
const http = (statusCode: number, message: string) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) ${message} `), { statusCode })
const system = (code: string) => Object.assign(new Error(code), { code })

test.each<[string, unknown, 'pull' | 'create' | 'start' | 'wait', string]>([
  ['an unknown image', http(404, 'no such container - No such image: nope:1'), 'create', 'ImageNotFound'],
  [
    'a bad limit',
    http(400, 'bad parameter - Minimum memory limit allowed is 6MB'),
    'create',
    'CreateRefused',
  ],
  [
    'a name in use',
    http(409, 'unexpected - Conflict. The container name is already in use'),
    'create',
    'CreateRefused',
  ],
  [
    'a pull of what is not there',
    http(404, 'unexpected - manifest for x:1 not found: manifest unknown'),
    'pull',
    'ImageNotFound',
  ],
  [
    'a pull that fails in its progress',
    { error: 'pull access denied for x, repository does not exist' },
    'pull',
    'ImageNotFound',
  ],
  ['a start of what cannot run', http(400, 'unexpected - OCI runtime create failed'), 'start', 'StartFailed'],
  [
    'a start of what was removed',
    http(404, 'no such container - No such container: a'),
    'start',
    'ContainerGone',
  ],
  [
    'a wait for what was removed',
    http(404, 'no such container - No such container: a'),
    'wait',
    'ContainerGone',
  ],
  ['a wait that was given up', new DOMException('late', 'TimeoutError'), 'wait', 'JobTimeout'],
  ['a socket that is not there', system('ENOENT'), 'create', 'EngineUnreachable'],
  ['an engine that died', system('ECONNRESET'), 'wait', 'EngineUnreachable'],
  ['an engine that talks no HTTP', system('HPE_INVALID_CONSTANT'), 'start', 'EngineUnreachable'],
])('the class of %s', (_, thrown, during, name) => {
  const failure = dockerFailure(thrown, during)
  expect(failure).toBeInstanceOf(ContainerError)
  expect(failure).toMatchObject({ name, cause: thrown })
})

test('what is none of the classes stays as it is', () => {
  for (const thrown of [
    http(500, 'server error - no space left'),
    new TypeError('x'),
    'text',
    undefined,
    null,
  ])
    expect(dockerFailure(thrown, 'wait')).toBe(thrown)
  const classed = new ContainerError('JobTimeout', 'longer than 5 s')
  expect(dockerFailure(classed, 'wait')).toBe(classed)
})
