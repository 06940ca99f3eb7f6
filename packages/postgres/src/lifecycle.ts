/** The start or the stop of one instance (a process or a worker thread): a part of a row of `throughline.instances`. */
export type LifecycleRecord = {
  event: 'start' | 'stop'
  /** UUID. */
  instance: string
  /** Counted in the same sequence as the operations of the instance. */
  seq: bigint | null
  /** Microseconds since 1970. */
  atUs: bigint
  service: string
  serviceVersion: string | null
  environment: string | null
  host: string | null
  /** Of a stop: `shutdown`, `exit`, `signal:SIGTERM`, `uncaught` … */
  stopReason: string | null
  /** Of a stop: the highest number that the instance gave out, its own included. */
  lastSeq: bigint | null
}
