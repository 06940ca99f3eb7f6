/** One running thing of the local stack: a child process, the embedded Postgres, or a server inside this process. */
export interface Part {
  readonly name: string
  readonly url: string
  /** Undefined while it does not run, and for a part that lives inside this process. */
  readonly pid: number | undefined
  readonly running: boolean
  /** What it printed, over all its starts; undefined for a part that lives inside this process. */
  readonly logFile: string | undefined
  /** Starts it, or starts it again with the same configuration, and waits until it answers. Does nothing while it runs. */
  start(): Promise<void>
  /** Ends it in order, within its deadline, then by force. Does nothing while it does not run. */
  stop(): Promise<void>
  /** For fault tests. Waits for the end after a signal that ends a process; `SIGSTOP` and `SIGCONT` return at once. */
  kill(signal: NodeJS.Signals): Promise<void>
}
