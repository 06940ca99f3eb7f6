import fc from 'fast-check'
import { expect, test } from 'vitest'
import { containerOf, operationOf } from './route.js'

test.each([
  ['POST', '/containers/create?', 'POST /containers/create'],
  ['POST', '/v1.41/containers/create?name=job-1', 'POST /containers/create'],
  ['POST', '/containers/4f1d09aa/start?', 'POST /containers/{id}/start'],
  ['DELETE', '/containers/nightly-transcode?', 'DELETE /containers/{id}'],
  ['GET', '/containers/json?', 'GET /containers/json'],
  ['GET', '/containers/json/json', 'GET /containers/{id}/json'],
  ['GET', '/containers/a/checkpoints/first?', 'GET /containers/{id}/checkpoints/{other}'],
  ['GET', '/images/registry.example:5000/team/app:1/json', 'GET /images/{name}/json'],
  ['DELETE', '/images/library/busybox:1?', 'DELETE /images/{name}'],
  ['POST', '/images/create?', 'POST /images/create'],
  ['GET', '/distribution/library/busybox/json', 'GET /distribution/{name}/json'],
  ['POST', '/exec/ab12/start', 'POST /exec/{id}/start'],
  ['GET', '/_ping', 'GET /_ping'],
  ['GET', '/version', 'GET /version'],
  ['GET', '/events?', 'GET /events'],
  ['GET', '/what/is/this', 'GET /{other}'],
  ['PATCH', '/containers/a/json', 'OTHER /containers/{id}/json'],
])('%s %s is the operation %s', (method, path, operation) => {
  expect(operationOf(method, path)).toBe(operation)
})

test('no word of a path becomes part of an operation: whatever is asked, there are few of them', () => {
  const seen = new Set<string>()
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('containers', 'images', 'json', 'start', 'create', 'exec', 'plugins', 'v1.41', ''),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      seen.add(operationOf('GET', `/${words.join('/')}`))
    }),
    { numRuns: 5_000 },
  )
  for (const operation of seen)
    expect(operation).toMatch(/^GET \/(?:_ping|[a-z]+|\{other\})(?:\/[a-z{}]+){0,3}$/)
  expect(seen.size).toBeLessThan(120)
})

test.each([
  ['/containers/4f1d09aa/start?', '4f1d09aa'],
  ['/containers/create?name=x', undefined],
  ['/containers/json?', undefined],
  ['/images/4f1d09aa/json', undefined],
])('the container of %s is %s', (path, container) => {
  expect(containerOf(path)).toBe(container)
})
