import { readFileSync } from 'node:fs'
import { type TestThroughline, testThroughline } from '@throughline/sdk/testing'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { checkAll, jobs, logLine, submit, watch, work } from './jobs.js'

let sdk: TestThroughline
beforeEach(() => {
  sdk = testThroughline()
})
afterEach(() => sdk.close())
afterAll(() => jobs.close())

test('the code in the guide to jobs is what runs here', () => {
  // The section on queues runs where the libraries are, in the tests of the package.
  const guide = readFileSync(new URL('../../../docs/guides/jobs.md', import.meta.url), 'utf8').replace(
    /^## Queues\n[\s\S]*?^## /m,
    '## ',
  )
  const source = readFileSync(new URL('./jobs.ts', import.meta.url), 'utf8')
  const shown = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code ?? '')
  expect(shown.length).toBeGreaterThan(3)
  expect(shown.filter((code) => !source.includes(code))).toEqual([])
})

test('its worker runs a job in a container, from the queue to the exit code', async () => {
  await submit('j-1', 'thumbnail')
  expect(await work()).toBe(0)
  expect(sdk.operations).toMatchObject([
    {
      name: 'transcode.thumbnail',
      metadata: {
        'job.id': 'j-1',
        'job.status': 'completed',
        'container.id': 'c0ffee',
        'job.phases': { queued_ms: expect.any(Number), creating_ms: expect.any(Number) },
      },
    },
  ])
})

test('its watcher ends a job by its exit code', async () => {
  watch('j-2', 'thumbnail', jobs.enqueued({ id: 'j-2', type: 'thumbnail' }))(3)
  await sdk.settled()
  expect(sdk.operations).toMatchObject([{ outcome: 'failure', error: { type: 'ExitCode' } }])
})

test('its batch check is a row', async () => {
  expect(await checkAll()).toHaveLength(1)
  expect(sdk.operations).toMatchObject([
    { name: 'transcode.status_check', metadata: { 'job.status_check.jobs': 1, 'job.capacity': 4 } },
  ])
})

test('its log line has the IDs of the job', async () => {
  const line = await jobs.run({ id: 'j-3', type: 'thumbnail', executionId: 'try-1' }, logLine)
  expect(JSON.parse(line)).toMatchObject({ 'job.id': 'j-3', 'job.execution.id': 'try-1' })
})
