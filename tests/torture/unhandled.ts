/*
 * Rejections and whether somebody handles them. Run in processes of their own, wrapped and unwrapped: what the process reports as
 * unhandled must be the same. Imports nothing, so that Node can run it as it is.
 */

type Start = () => PromiseLike<unknown>

export interface UnhandledCase {
  readonly kind: string
  readonly act: string
  /** What is wrapped: it answers with something that rejects. */
  make(): unknown
  /** What a caller does with the answer. */
  use(make: () => unknown): void
}

class Cancelable<T> extends Promise<T> {}

const later = (_: unknown, reject: (reason: Error) => void) =>
  void setImmediate(() => reject(new Error('later')))

const kinds: [string, () => unknown][] = [
  [
    'async function',
    async () => {
      await null
      throw new Error('async function')
    },
  ],
  ['rejected promise', () => Promise.reject(new Error('rejected'))],
  ['Promise subclass', () => new Cancelable(later)],
  ['promise with properties of its own', () => Object.assign(new Promise(later), { cancel() {} })],
  [
    'async generator',
    async function* () {
      yield await Promise.reject(new Error('generator'))
    },
  ],
  [
    'query builder',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: a query builder is such an object
      then: (...handlers: Parameters<Promise<unknown>['then']>) =>
        Promise.reject(new Error('query')).then(...handlers),
    }),
  ],
]

const acts: [string, (start: Start) => void][] = [
  ['dropped', (start) => void start()],
  ['handled', (start) => void start().then(undefined, () => {})],
  ['`then` without a second handler', (start) => void start().then(() => {})],
  [
    'awaited in `try`',
    (start) =>
      void (async () => {
        try {
          await start()
        } catch {}
      })(),
  ],
  [
    'handled one microtask later',
    (start) => {
      const promise = start()
      queueMicrotask(() => void promise.then(undefined, () => {}))
    },
  ],
  ['handled through `Promise.all`', (start) => void Promise.all([start()]).then(undefined, () => {})],
]

/** A generator rejects at its first step. */
function begin(answer: unknown): PromiseLike<unknown> {
  return typeof answer === 'object' && answer !== null && 'next' in answer
    ? (answer as AsyncGenerator).next()
    : (answer as PromiseLike<unknown>)
}

export const unhandledCases: UnhandledCase[] = kinds.flatMap(([kind, make]) =>
  acts.map(([act, use]) => ({ kind, act, make, use: (wrapped) => use(() => begin(wrapped())) })),
)

/** How many unhandled rejections the process reports in each case, in their order. */
export async function countUnhandled(wrap: (fn: () => unknown) => () => unknown): Promise<number[]> {
  let seen = 0
  const count = () => {
    seen += 1
  }
  process.on('unhandledRejection', count)
  const counts: number[] = []
  for (const { make, use } of unhandledCases) {
    seen = 0
    use(wrap(make))
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    counts.push(seen)
  }
  process.off('unhandledRejection', count)
  return counts
}
