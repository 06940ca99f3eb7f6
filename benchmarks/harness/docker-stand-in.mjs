// Plays an engine with many running containers: the list, a silent stream of events, and for each call for figures a recorded document,
// given out at the next turn of a second, as an engine 20.10 does. Message `counts` → { mostOpen }.
//   fork(docker-stand-in.mjs, [socket, containers])
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'

const [socketPath, containers] = process.argv.slice(2)
const recorded = JSON.parse(
  readFileSync(
    new URL('../../packages/instrumentation-docker/testing/stats-cgroup-v1.json', import.meta.url),
    'utf8',
  ),
)
const list = JSON.stringify(
  Array.from({ length: Number(containers) }, (_, i) => ({
    Id: i.toString(16).padStart(64, '0'),
    Names: [`/job-${i}`],
    Image: 'busybox:1',
    Command: 'sh -c work',
    Created: 1_700_000_000,
    State: 'running',
    Status: 'Up 5 minutes',
    Labels: { 'throughline.job.type': `type-${i % 10}`, 'throughline.job.id': `job-${i}` },
    HostConfig: { NetworkMode: 'default' },
    Mounts: [],
  })),
)
const waiting = []
let mostOpen = 0

setInterval(() => {
  recorded.cpu_stats.cpu_usage.total_usage += 1_000_000
  const document = JSON.stringify(recorded)
  for (const response of waiting.splice(0)) response.end(document)
}, 1_000)

rmSync(socketPath, { force: true })
createServer((request, response) => {
  if (request.url.startsWith('/_ping')) return response.end('OK')
  if (request.url.startsWith('/events')) return response.write('\n')
  response.setHeader('content-type', 'application/json')
  if (request.url.startsWith('/containers/json')) return response.end(list)
  waiting.push(response)
  mostOpen = Math.max(mostOpen, waiting.length)
}).listen(socketPath, () => process.send('ready'))
process.on('message', () => process.send({ mostOpen }))
process.on('disconnect', () => process.exit(0))
