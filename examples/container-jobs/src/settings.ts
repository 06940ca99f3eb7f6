/** What the runner is told by its environment. DOCKER_HOST and its kin are the Docker client's own. */
export interface Settings {
  /** Address to listen on. */
  readonly host: string
  readonly port: number
  readonly databaseUrl: string
  /** Name of the queue: service of its rows, label of its containers. */
  readonly queue: string
  /** Jobs at once. */
  readonly slots: number
  /** Network of the containers: `none`, unless the jobs may talk to anybody. */
  readonly network: string
  /** Whether an image that is not there is pulled. */
  readonly pull: boolean
  /** Ended containers stay until somebody removes them, to be looked at. */
  readonly keepContainers: boolean
  /** How much of a job's log is kept, from its end backwards. */
  readonly maxLogBytes: number
  /** How long the engine may take over one call. */
  readonly engineTimeoutMs: number
  /** How long a job waits for an engine that went away. */
  readonly engineGraceMs: number
  /** Between two checks of all containers. */
  readonly checkMs: number
  /** Between two answers of the queue about itself. */
  readonly stateMs: number
  /** Between two samples of a container's CPU and memory. */
  readonly statsMs: number
}

/** @throws Error naming the variable that is missing or out of its range */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const whole = (name: string, usual: number, least: number, most: number): number => {
    const value = env[name] === undefined || env[name] === '' ? usual : Number(env[name])
    if (!Number.isInteger(value) || value < least || value > most)
      throw new Error(`${name} is "${env[name]}"; it must be a whole number from ${least} to ${most}`)
    return value
  }
  const databaseUrl = env.DATABASE_URL
  if (!databaseUrl) throw new Error('the environment variable DATABASE_URL is needed')
  return {
    databaseUrl,
    host: env.HOST || '127.0.0.1',
    port: whole('PORT', 3002, 1, 65_535),
    queue: env.QUEUE || 'containers',
    slots: whole('SLOTS', 2, 1, 64),
    network: env.CONTAINER_NETWORK || 'none',
    pull: env.PULL_IMAGES === 'true',
    keepContainers: env.KEEP_CONTAINERS === 'true',
    maxLogBytes: whole('MAX_LOG_BYTES', 65_536, 0, 1_048_576),
    engineTimeoutMs: whole('ENGINE_TIMEOUT_MS', 30_000, 100, 600_000),
    engineGraceMs: whole('ENGINE_GRACE_MS', 30_000, 0, 240_000),
    checkMs: whole('CHECK_INTERVAL_MS', 5_000, 100, 3_600_000),
    stateMs: whole('STATE_INTERVAL_MS', 15_000, 100, 3_600_000),
    statsMs: whole('STATS_INTERVAL_MS', 10_000, 1_000, 3_600_000),
  }
}
