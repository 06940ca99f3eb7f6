// A small queue in memory with two slots, as the guide of the jobs has it: started with `node --import @throughline/sdk/register`.
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { instrumentJobs } from '@throughline/instrumentation-jobs'

const waiting = []
const counts = { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
const jobs = instrumentJobs({
  queue: 'thumbnails',
  capacity: 2,
  intervalMs: 500,
  state: () => ({
    counts: { ...counts, pending: waiting.length },
    depth: waiting.length,
    oldestEnqueuedAt: waiting[0]?.carrier.enqueued_at ?? new Date(),
    jobs: waiting.length + counts.running,
  }),
})

let last = 0
function enqueue() {
  last += 1
  const id = String(last)
  const type = last % 2 === 0 ? 'small' : 'large'
  waiting.push({ id, type, carrier: jobs.enqueued({ id, type }) })
}

async function work() {
  for (;;) {
    const job = waiting.shift()
    if (job === undefined) {
      await delay(20)
      continue
    }
    counts.running += 1
    try {
      await jobs.run(job, async (execution) => {
        await execution.phase('starting', () => delay(5))
        await execution.phase('running', () => delay(20))
        if (Number(job.id) % 5 === 0) throw Object.assign(new Error('no such picture'), { name: 'NoPicture' })
        await execution.phase('collecting', () => delay(2))
      })
      counts.completed += 1
    } catch {
      counts.failed += 1
      jobs.retried(job.type)
    }
    counts.running -= 1
  }
}

setInterval(enqueue, 30)
void work()
void work()
createServer((_request, answer) => answer.end('ok')).listen(Number(process.env.PORT), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
