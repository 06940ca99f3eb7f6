// node lambda-runtime.mjs MODULE: what Lambda's runtime does with a handler. Gives it the events of EVENTS one by one; when the last
// answer is there the process is frozen, here for good.
import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const { handler } = await import(pathToFileURL(process.argv[2]).href)

let number = 0
for (const event of JSON.parse(process.env.EVENTS)) {
  number += 1
  const invocation = { awsRequestId: `request-${number}`, getRemainingTimeInMillis: () => 10_000 }
  const answer = await handler(event, invocation).catch(({ name, message }) => ({ name, message }))
  writeSync(1, `${JSON.stringify(answer)}\n`)
}
process.kill(process.pid, 'SIGKILL')
