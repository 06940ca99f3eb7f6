import Fastify from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkRequest, type JobRequest, jobSchema } from './job-request.js'
import { strict } from './strict.js'

const app = Fastify(strict)
beforeAll(() => {
  app.post<{ Body: JobRequest }>('/', { schema: { body: jobSchema } }, async ({ body }) => checkRequest(body))
})
afterAll(() => app.close())

const least = { image: 'busybox', command: ['true'] }
const ask = (body: object) => app.inject({ method: 'POST', url: '/', payload: body })

test('an image and a command are enough; the rest has its defaults', async () => {
  expect((await ask(least)).json()).toEqual({
    ...least,
    type: 'container',
    env: {},
    limits: { memoryMb: 256, cpus: 1, timeoutS: 600 },
  })
})

test.each([
  'busybox',
  'busybox:1.36',
  'library/busybox:latest',
  'ghcr.io/a-b/c_d:V1.2',
  'localhost:5000/a/b:1',
  `busybox@sha256:${'a'.repeat(64)}`,
])('%s is the name of an image', async (image) => {
  expect((await ask({ ...least, image })).statusCode).toBe(200)
})

test.each([
  '',
  '-x',
  '../x',
  'a/../b',
  'a//b',
  'a?b',
  'a b',
  'a\n',
  'A',
  'a:',
  'a@sha256:1',
  'x'.repeat(256),
])('%j is none', async (image) => {
  expect((await ask({ ...least, image })).statusCode).toBe(400)
})

test.each([
  [{ memoryMb: 5 }, 'memoryMb'],
  [{ memoryMb: 16_385 }, 'memoryMb'],
  [{ memoryMb: 6.5 }, 'memoryMb'],
  [{ cpus: 0 }, 'cpus'],
  [{ timeoutS: 86_401 }, 'timeoutS'],
  [{ swap: 1 }, 'additional properties'],
])('limits of %j are refused, and it is said which', async (limits, reason) => {
  const answer = await ask({ ...least, limits })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().message).toContain(reason)
})
