import { correlation } from '@throughline/core'
import { instrumentJobs, type JobCarrier } from '@throughline/instrumentation-jobs'

const waiting: { id: string; type: string; carrier: JobCarrier }[] = []
const containers = {
  create: async (_type: string, _options: { env: object; labels: object }) => 'c0ffee',
  wait: async (_id: string) => 0,
}
const table = {
  counts: async () => ({ pending: waiting.length, completed: 0 }),
  oldest: async () => undefined,
}
const poll = async () => [{ id: 'j-2', exitCode: 0 }]

export const jobs = instrumentJobs({
  queue: 'transcode',
  capacity: 4,
  state: async () => {
    const counts = await table.counts()
    return { counts, depth: counts.pending, oldestEnqueuedAt: await table.oldest() }
  },
})

export const submit = async (id: string, type: string) => {
  waiting.push({ id, type, carrier: jobs.enqueued({ id, type }) })
}

export const work = async () => {
  const { id, type, carrier } = waiting.shift()!
  return jobs.run({ id, type, carrier }, async (execution) => {
    const container = await execution.phase('creating', () =>
      containers.create(type, { env: execution.env(), labels: execution.labels() }),
    )
    execution.set({ 'container.id': container })
    return execution.phase('running', () => containers.wait(container))
  })
}

export const watch = (id: string, type: string, carrier: JobCarrier) => {
  const job = jobs.begin({ id, type, carrier })
  return (exitCode: number) => {
    if (exitCode === 0) job.complete()
    else job.fail(Object.assign(new Error(`exit code ${exitCode}`), { name: 'ExitCode' }))
  }
}

export const checkAll = () => jobs.statusCheck(() => poll())

export const logLine = () => JSON.stringify({ level: 'info', ...correlation.fields() })
