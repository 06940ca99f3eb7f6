import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, collect, type Group } from '../case.js'

function slow(bench: Bench, failure?: Error): ReadableStream<string> {
  const parts = ['a', 'b', 'c']
  return new ReadableStream(
    {
      async pull(controller) {
        await bench.work(10)
        const part = parts.shift()
        if (part !== undefined) controller.enqueue(part)
        else if (failure !== undefined) controller.error(failure)
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

/** A server whose answers take their time between the headers and the end. */
async function withServer(bench: Bench, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_request, response) => {
    response.write('first ')
    bench.workThen(20, () => response.end('second'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

export const webStreams: Group = {
  title: 'Web streams',
  cases: [
    {
      what: 'ReadableStream, read by a reader',
      back: 'the same object; timed to its end',
      records: ['success'],
      async run(bench) {
        const stream = slow(bench)
        const returned = bench.wrap(() => stream)()
        bench.same('the result', returned, stream)
        const reader = returned.getReader()
        let all = ''
        for (let item = await reader.read(); !item.done; item = await reader.read()) all += item.value
        bench.same('text', all, 'abc')
      },
    },
    {
      what: 'ReadableStream, `for await`',
      back: 'timed to its end',
      records: ['success'],
      async run(bench) {
        let all = ''
        for await (const part of bench.wrap(() => slow(bench))()) all += part
        bench.same('text', all, 'abc')
      },
    },
    {
      what: 'ReadableStream, `for await` left with `break`',
      back: 'timed until then',
      records: ['success'],
      async run(bench) {
        for await (const part of bench.wrap(() => slow(bench))()) if (part === 'b') break
      },
    },
    {
      what: 'ReadableStream, `pipeTo`',
      back: 'timed to its end',
      records: ['success'],
      async run(bench) {
        let all = ''
        await bench
          .wrap(() => slow(bench))()
          .pipeTo(
            new WritableStream<string>({
              write(part) {
                all += part
              },
            }),
          )
        bench.same('text', all, 'abc')
      },
    },
    {
      what: 'ReadableStream, `pipeThrough`',
      back: "the pair's readable; timed to its end",
      records: ['success'],
      async run(bench) {
        const pair = new TextEncoderStream()
        const through = bench
          .wrap(() => slow(bench))()
          .pipeThrough(pair)
        bench.same('the result', through, pair.readable)
        bench.same('text', await text(through), 'abc')
        // The pipe is told of the end after its reader.
        await pause(1)
      },
    },
    {
      what: 'ReadableStream, `tee`',
      back: 'two branches; timed to their end',
      records: ['success'],
      async run(bench) {
        const [one, two] = bench
          .wrap(() => slow(bench))()
          .tee()
        const texts = await Promise.all([one, two].map(async (branch) => (await collect(branch)).join('')))
        bench.same('texts', texts.join(), 'abc,abc')
      },
    },
    {
      what: 'ReadableStream, cancelled',
      back: 'timed until then',
      records: ['success'],
      async run(bench) {
        const stream = bench.wrap(() => slow(bench))()
        const reader = stream.getReader()
        await reader.read()
        reader.releaseLock()
        await stream.cancel('enough')
      },
    },
    {
      what: 'ReadableStream that breaks',
      back: 'the same error',
      records: ['failure RangeError'],
      async run(bench) {
        const error = new RangeError('torn')
        const stream = bench.wrap(() => slow(bench, error))()
        await bench.fails('the loop', error, () => collect(stream))
      },
    },
    {
      what: 'ReadableStream never read',
      back: 'the same object',
      records: ['abandoned'],
      async run(bench) {
        const drop = () => void bench.wrap(() => slow(bench))()
        drop()
        await bench.collected()
      },
    },
    {
      what: 'fetch Response, its body read',
      back: 'the Response; timed to the end of its body',
      records: ['success'],
      async run(bench) {
        await withServer(bench, async (url) => {
          const response = await bench.wrap((to: string) => fetch(to))(url)
          bench.same('own keys', Reflect.ownKeys(response).filter((key) => typeof key === 'string').length, 0)
          bench.same('text', await response.text(), 'first second')
        })
      },
    },
    {
      what: 'fetch Response, cloned, both bodies read',
      back: 'timed to the end of its body',
      records: ['success'],
      async run(bench) {
        await withServer(bench, async (url) => {
          const response = await bench.wrap((to: string) => fetch(to))(url)
          const texts = await Promise.all([response.clone().text(), response.text()])
          bench.same('texts', texts.join(), 'first second,first second')
        })
      },
    },
    {
      what: 'fetch Response whose body nobody reads',
      back: 'the Response; no fault',
      records: ['success'],
      async run(bench) {
        const server = createServer((_request, response) => response.end('unread'))
        server.listen(0, '127.0.0.1')
        await once(server, 'listening')
        const drop = async () => {
          const { port } = server.address() as AddressInfo
          const response = await bench.wrap((to: string) => fetch(to))(`http://127.0.0.1:${port}/`)
          bench.same('status', response.status, 200)
        }
        await drop()
        await pause(10)
        await bench.collected()
        server.closeAllConnections()
        server.close()
      },
    },
  ],
}
