import { fail, outlive, type Running, succeed } from '../running.js'
import { hasMethod, override } from './properties.js'

const { then } = Promise.prototype
type Method = (...args: unknown[]) => unknown

export function isWebStream(value: object): value is ReadableStream {
  return 'getReader' in value && 'locked' in value && hasMethod(value, 'getReader') && hasMethod(value, 'tee')
}

/** What may become of a stream: it was read to its end, it broke, its reader had enough. */
interface Watcher {
  closed(): void
  broken(error: unknown): void
  left(): void
}

/** A web stream: the same object with the methods of its own by which it can be consumed. It lasts until it is read, cancelled or broken. */
export function observeWebStream(running: Running, stream: ReadableStream): boolean {
  // Who holds the lock consumes it already, unseen.
  if (stream.locked) return false
  const done = consumed(stream, {
    closed: () => succeed(running, stream),
    broken: (error) => fail(running, error),
    left: () => succeed(running, stream),
  })
  if (done) outlive(running, stream)
  return done
}

function consumed(stream: ReadableStream, watcher: Watcher): boolean {
  const { getReader, pipeTo, pipeThrough, tee, values, cancel } = stream as unknown as Record<string, Method>

  const own: Record<PropertyKey, Method> = {
    getReader(...args) {
      const reader = Reflect.apply(getReader!, this, args) as ReadableStreamDefaultReader
      watchReader(stream, reader, watcher)
      return reader
    },
    pipeTo(...args) {
      return watchPipe(Reflect.apply(pipeTo!, this, args) as Promise<void>, watcher)
    },
    pipeThrough(...args) {
      const [pair, options] = args as [ReadableWritablePair | undefined, unknown]
      // What the original refuses it shall refuse in its own words; otherwise it does no more than this.
      if (!isPair(pair) || pair.writable.locked || stream.locked)
        return Reflect.apply(pipeThrough!, this, args)
      void watchPipe(Reflect.apply(pipeTo!, this, [pair.writable, options]) as Promise<void>, watcher).catch(
        () => {},
      )
      return pair.readable
    },
    tee(...args) {
      const branches = Reflect.apply(tee!, this, args) as [ReadableStream, ReadableStream]
      let open = branches.length
      const branch: Watcher = {
        ...watcher,
        left() {
          open -= 1
          if (open === 0) watcher.left()
        },
      }
      for (const one of branches) consumed(one, branch)
      return branches
    },
    values(...args) {
      return watchIterator(Reflect.apply(values!, this, args) as AsyncIterator<unknown>, watcher)
    },
    cancel(...args) {
      return tell(Reflect.apply(cancel!, this, args) as Promise<void>, watcher.left, watcher)
    },
  }
  own[Symbol.asyncIterator] = own.values as Method
  return Reflect.ownKeys(own).every((key) => override(stream, key, own[key]))
}

function isPair(pair: ReadableWritablePair | undefined): pair is ReadableWritablePair {
  return (
    typeof pair === 'object' &&
    pair !== null &&
    pair.writable instanceof WritableStream &&
    pair.readable instanceof ReadableStream
  )
}

/** `closed` is resolved before the last `read` is, and its rejection counts as handled by its specification. */
function watchReader(stream: ReadableStream, reader: ReadableStreamDefaultReader, watcher: Watcher): void {
  let cancelled = false
  const { cancel } = reader
  override(reader, 'cancel', function (this: unknown, ...args: unknown[]) {
    cancelled = true
    return tell(Reflect.apply(cancel as Method, this, args) as Promise<void>, watcher.left, watcher)
  })
  Reflect.apply(then, reader.closed, [
    () => cancelled || watcher.closed(),
    // A lock that was released says so in the same way; then the stream is free, and another reader will tell.
    (error: unknown) => stream.locked && watcher.broken(error),
  ])
}

function watchPipe(piping: Promise<void>, watcher: Watcher): Promise<void> {
  return tell(piping, watcher.closed, watcher)
}

function watchIterator(iterator: AsyncIterator<unknown>, watcher: Watcher): AsyncIterator<unknown> {
  const { next, return: leave } = iterator
  override(iterator, 'next', function (this: unknown, ...args: unknown[]) {
    return Reflect.apply(then, Reflect.apply(next, this, args), [
      (item: IteratorResult<unknown>) => {
        if (item.done) watcher.closed()
        return item
      },
      (error: unknown): never => {
        watcher.broken(error)
        throw error
      },
    ])
  })
  if (leave !== undefined) {
    override(iterator, 'return', function (this: unknown, ...args: unknown[]) {
      return tell(Reflect.apply(leave as Method, this, args) as Promise<void>, watcher.left, watcher)
    })
  }
  return iterator
}

/** A derived promise: a rejection that nobody handles stays so. */
function tell(promise: Promise<void>, done: () => void, watcher: Watcher): Promise<void> {
  return Reflect.apply(then, promise, [
    (value: unknown): unknown => {
      done()
      return value
    },
    (error: unknown): never => {
      watcher.broken(error)
      throw error
    },
  ]) as Promise<void>
}
