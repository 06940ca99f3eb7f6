import type { Context } from '@opentelemetry/api'
import { touch, watch } from '../abandoned.js'
import type { Operation } from '../operation.js'
import type { Runtime } from '../runtime.js'
import { finish } from './finish.js'
import type { Site } from './site.js'

/** A call whose end is still to come, for those that watch its result. */
export interface Running {
  readonly runtime: Runtime
  readonly site: Site
  readonly operation: Operation
  /** The context inside the operation. */
  readonly inside: Context
  readonly args: unknown[]
  readonly self: unknown
}

export function succeed({ runtime, site, operation, args, self }: Running, result: unknown): void {
  finish(runtime, site, operation, { args, self, result }, false)
}

export function fail({ runtime, site, operation, args, self }: Running, error: unknown): void {
  finish(runtime, site, operation, { args, self, error }, true)
}

/** Given up by whoever consumed it, before it was whole: no error, and no success. */
export function giveUp(running: Running): void {
  running.operation.outcome = 'abandoned'
  succeed(running, undefined)
}

/** The call is over, its operation is not: it ends with `held`, or when that is collected. */
export function outlive({ operation }: Running, held: object): void {
  if (operation.ended) return
  touch(operation)
  watch(operation, held)
}
