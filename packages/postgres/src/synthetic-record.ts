/** An operation that was made up to see whether it arrives: `throughline.synthetic`. It never becomes a row of `operations`. */
export type SyntheticRecord = {
  /** The trace ID: 32 hexadecimal digits. */
  id: string
  service: string
  /** Microseconds since 1970, by the clock of its sender. */
  startedAtUs: bigint
  /** Microseconds since 1970, by the clock of whoever took it. */
  receivedAtUs: bigint
}
