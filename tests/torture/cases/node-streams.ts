import { once } from 'node:events'
import { Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Bench, Group } from '../case.js'

function slow(bench: Bench): Readable {
  return Readable.from(
    (async function* () {
      for (const part of ['a', 'b', 'c']) {
        await bench.work(10)
        yield part
      }
    })(),
  )
}

function sink(bench: Bench): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => bench.workThen(10, done) })
}

export const nodeStreams: Group = {
  title: 'Node streams',
  cases: [
    {
      what: 'Readable, read to its end',
      back: 'the same object; timed to its end',
      records: ['success'],
      async run(bench) {
        const stream = slow(bench)
        const returned = bench.wrap(() => stream)()
        bench.same('the result', returned, stream)
        bench.same('flowing before it is read', stream.readableFlowing, null)
        bench.same('text', (await returned.toArray()).join(''), 'abc')
      },
    },
    {
      what: 'Readable of an async function',
      back: 'the same object; timed to its end',
      records: ['success'],
      async run(bench) {
        const stream = slow(bench)
        const returned = await bench.wrap(async () => stream)()
        bench.same('the result', returned, stream)
        bench.same('text', (await returned.toArray()).join(''), 'abc')
      },
    },
    {
      what: 'Readable, left early with `break`',
      back: 'timed until then',
      records: ['success'],
      async run(bench) {
        const stream = bench.wrap(() => slow(bench))()
        for await (const part of stream) if (part === 'b') break
        if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
      },
    },
    {
      what: 'Readable, destroyed with an error',
      back: 'the same error event',
      records: ['failure TypeError'],
      async run(bench) {
        const error = new TypeError('torn')
        const stream = bench.wrap(() => new Readable({ read() {} }))()
        await bench.work(5)
        const heard = once(stream, 'error')
        stream.destroy(error)
        bench.same('the error', (await heard)[0], error)
      },
    },
    {
      what: 'an error that nobody listens to',
      back: 'it is still uncaught',
      records: ['failure Error'],
      async run(bench) {
        const stream = bench.wrap(() => new Readable({ read() {} }))()
        bench.same('listeners for `error`', stream.listenerCount('error'), 0)
        // Emitting is what an uncaught error of a stream comes from: without a listener it throws.
        const error = new Error('nobody listens')
        await bench.fails('emit', error, () => stream.emit('error', error))
        stream.destroy()
      },
    },
    {
      what: 'Writable, finished',
      back: 'the same object; timed to `finish`',
      records: ['success'],
      async run(bench) {
        const stream = sink(bench)
        const returned = bench.wrap(() => stream)()
        bench.same('the result', returned, stream)
        returned.write('a')
        returned.end('b')
        await once(returned, 'finish')
      },
    },
    {
      what: 'Writable, destroyed before its end',
      back: 'what was to be written is lost',
      records: ['abandoned'],
      async run(bench) {
        const stream = bench.wrap(() => new Writable({ write() {} }))()
        stream.write('a')
        await bench.work(5)
        stream.destroy()
        await once(stream, 'close')
      },
    },
    {
      what: 'Transform in a `pipeline`',
      back: 'the same object; timed to its end',
      records: ['success'],
      async run(bench) {
        const upper = bench.wrap(
          () =>
            new Transform({
              transform: (chunk, _encoding, done) =>
                bench.workThen(5, () => done(null, String(chunk).toUpperCase())),
            }),
        )
        const parts: string[] = []
        await pipeline(['a', 'b'], upper(), async (source) => {
          for await (const part of source) parts.push(String(part))
        })
        bench.same('text', parts.join(''), 'AB')
      },
    },
    {
      what: 'Transform that fails',
      back: 'the same error',
      records: ['failure RangeError'],
      async run(bench) {
        const error = new RangeError('too much')
        const failing = bench.wrap(
          () =>
            new Transform({
              transform: (_chunk, _encoding, done) => bench.workThen(5, () => done(error)),
            }),
        )
        await bench.fails('pipeline', error, () => pipeline(['a'], failing(), sink(bench)))
      },
    },
    {
      what: 'a method of a stream that returns its `this`',
      back: 'the same object; a value, not a wait',
      records: ['success'],
      async run(bench) {
        class Log extends Readable {
          note(): this {
            return this
          }
        }
        Log.prototype.note = bench.wrap(Log.prototype.note)
        const log = new Log()
        bench.same('the result', log.note(), log)
      },
    },
    {
      what: 'a stream never ended',
      back: 'the same object',
      records: ['abandoned'],
      async run(bench) {
        const drop = () => void bench.wrap(() => new Readable({ read() {} }))()
        drop()
        await bench.collected()
      },
    },
  ],
}
