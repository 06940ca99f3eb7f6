// biome-ignore lint/suspicious/noExplicitAny: any function at all may be wrapped; `unknown` parameters would refuse most
export type AnyFunction = (this: any, ...args: any[]) => any

/** Where failed calls are logged: the shape of pino's `error`. */
export interface FailureLogger {
  error(fields: Record<string, unknown>, message: string): void
}

/** What an extractor may look at: the call, once it has ended. */
export interface Call<F extends AnyFunction = AnyFunction> {
  readonly args: Parameters<F>
  /** The value returned or resolved; undefined when the call failed. */
  readonly result?: Awaited<ReturnType<F>>
  /** What was thrown or rejected; undefined when the call succeeded. */
  readonly error?: unknown
  /** `this` of the call. */
  readonly self: unknown
}

/**
 * How a function is tracked. Extractors run after the call inside a guard: one that throws, or returns a promise, is counted and
 * named once in the log, and never changes the call.
 */
export interface TrackOptions<F extends AnyFunction = AnyFunction> {
  /** `Service.operation`; the last dot splits. Default: the class at call time and the method, or the function's name. */
  name?: string
  /** The part before the dot, when the name shall be found but the service is another. */
  service?: string
  /** Who the call was for; a number becomes its digits. */
  user?: (call: Call<F>) => string | number | bigint | undefined
  /** What the record shall keep of the call. */
  metadata?: (call: Call<F>) => Record<string, unknown> | undefined
  /** Whether a call becomes a row. Default true. Without it the span goes the way of every other span. */
  record?: boolean
  /** Whether a call gets a span of its own. Default true. Without span and record it is counted and timed, at a sixth of the cost. */
  span?: boolean
  /** Whether a call that returned was a success in business terms. */
  success?: (call: Call<F>) => boolean
  /**
   * For a function that takes a callback `(error, value)` as its last argument: the operation lasts until the callback is called.
   * `true` is short for `'last'`. A call without a callback is tracked by what it returns.
   */
  callback?: true | 'last'
  /**
   * Gets one line for each failed call, with its IDs, error type, message and stack, in place of the SDK's own `logger`. `false`: calls of
   * this function are not logged at all.
   */
  logger?: FailureLogger | false
}

/** Serves as TypeScript's decorator of today (TC39) and of old (`experimentalDecorators`). */
export interface TrackDecorator {
  <F extends AnyFunction>(method: F, context: ClassMethodDecoratorContext<ThisParameterType<F>, F>): F
  <F extends AnyFunction>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>
  /** On a class: all methods that it declares, but those with `@track.skip`. */
  // biome-ignore lint/suspicious/noExplicitAny: a constructor of any arguments
  <C extends abstract new (...args: any[]) => unknown>(target: C, context?: ClassDecoratorContext<C>): void
}

/** `@track.skip` on a method of a tracked class: it is left alone. As the outermost decorator of the method. */
export interface TrackSkip {
  <F extends AnyFunction>(method: F, context: ClassMethodDecoratorContext<ThisParameterType<F>, F>): void
  (target: object, key: string | symbol, descriptor: PropertyDescriptor): void
}

export interface Track extends TrackDecorator {
  readonly skip: TrackSkip
  /** Wraps a function: same arguments, same `this`, same result, same errors. */
  <F extends AnyFunction>(fn: F, options?: TrackOptions<NoInfer<F>>): F
  /** Wraps a function under a name. */
  <F extends AnyFunction>(name: string, fn: F, options?: TrackOptions<NoInfer<F>>): F
  /** Decorates a method. */
  // biome-ignore lint/suspicious/noExplicitAny: a decorator factory cannot know the method it will stand on
  (options?: TrackOptions<(...args: any[]) => any>): TrackDecorator
}
