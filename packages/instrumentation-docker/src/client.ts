import { type Context, createContextKey } from '@opentelemetry/api'

/** What dockerode's client is asked: as much of it as is read here. */
export interface DialOptions {
  path: string
  method?: string
  isStream?: boolean
  hijack?: boolean
  /** The body, or what becomes the query; `createContainer` gives the body here or below `_body`. */
  options?: unknown
  statusCodes?: Record<string, unknown>
  abortSignal?: AbortSignal
}
export type DialCallback = (error: unknown, answer?: unknown) => void
export type Dial = (options: DialOptions, callback: DialCallback) => unknown

/** The part of a dockerode instance that is used: `docker.modem`. */
export interface Modem {
  dial: Dial
  /** Makes the request of a call; its second argument are the options that `dial` was given. */
  buildRequest?: (...args: unknown[]) => unknown
}

/** The key under which OpenTelemetry's instrumentations look, as its core package makes it: one of a call is enough. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')
export const untraced = (from: Context): Context => from.setValue(SUPPRESS_TRACING, true)
