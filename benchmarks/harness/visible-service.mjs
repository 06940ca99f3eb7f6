// A service that completes so many tracked operations a second; says of every fiftieth when it was complete, and under which correlation ID.
//   fork(visible-service.mjs, [endpoint, recorderUrl, recorderToken, spoolDir]); message { perSecond, seconds } → { id, at } …, then { completed }
import { setTimeout as pause } from 'node:timers/promises'
import { correlation, track } from '@throughline/core'
import { start } from '@throughline/sdk'

const [endpoint, recorderUrl, recorderToken, spoolDir] = process.argv.slice(2)
const sdk = await start({
  serviceName: 'bench',
  endpoint,
  recorderUrl,
  recorderToken,
  spoolDir,
  log: () => {},
})
const work = track('Bench.work', async (n) => ({ n }), {
  metadata: ({ args }) => ({ n: args[0], region: 'eu-west-1', model: 'large-v3' }),
})
const probeEach = 50

process.on('message', async ({ perSecond, seconds }) => {
  const began = performance.now()
  let completed = 0
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - began) {
    for (const due = (elapsed * perSecond) / 1_000; completed < due; completed += 1) {
      if (completed % probeEach !== 0) await work(completed)
      else {
        const id = `probe-${process.pid}-${completed}`
        await correlation.run(id, () => work(completed))
        process.send({ id, at: performance.timeOrigin + performance.now() })
      }
    }
    await pause(2)
  }
  process.send({ completed, perSecond: completed / ((performance.now() - began) / 1_000) })
})
process.on('disconnect', async () => {
  await sdk.shutdown()
  process.exit(0)
})
process.send('ready')
