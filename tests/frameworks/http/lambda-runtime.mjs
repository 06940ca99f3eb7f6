// node lambda-runtime.mjs MODULE: what Lambda's runtime does with a handler. Gives it the events of EVENTS one by one; when the last
// answer is there the process is frozen, here for good.
import { writeSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')

/** The head of a streamed answer goes before its body, set off by eight zeros. */
const HttpResponseStream = {
  from(stream, metadata) {
    stream.write(JSON.stringify(metadata))
    stream.write(new Uint8Array(8))
    return stream
  },
}

globalThis.awslambda = {
  HttpResponseStream,
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: 'response' }),
}

const { handler } = await import(pathToFileURL(process.argv[2]).href)

let number = 0
for (const event of JSON.parse(process.env.EVENTS)) {
  number += 1
  const invocation = { awsRequestId: `request-${number}`, getRemainingTimeInMillis: () => 10_000 }
  const answer = await (handler[STREAMING] ? streamed(event, invocation) : handler(event, invocation)).catch(
    ({ name, message }) => ({ name, message }),
  )
  writeSync(1, `${JSON.stringify(answer)}\n`)
}
process.kill(process.pid, 'SIGKILL')

/** The invocation is over when the handler has resolved and the answer is out. */
async function streamed(event, invocation) {
  const stream = new PassThrough()
  const [answer] = await Promise.all([text(stream), handler(event, stream, invocation)])
  const [head, body] = answer.split('\0'.repeat(8))
  return { ...JSON.parse(head), body }
}
