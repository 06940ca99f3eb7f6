import { DockerOptionError } from './errors.js'

export interface StatsOptions {
  /** How often each container is asked for its figures, in ms: at the most one call a container in this time. Default 10,000. */
  intervalMs?: number
  /** Calls for figures at once. Default 32. */
  concurrency?: number
  /** Containers that are followed; more are left out, and counted in `health()`. Default 1,000. */
  maxContainers?: number
  /** The label of a container that names its job type. Default `throughline.job.type`. */
  label?: string
  /** Containers without the label too, as job type `none`. Default false: the engine may run what is not ours to ask about. */
  all?: boolean
}

export interface DockerOptions {
  /** CPU, memory, block and network figures of containers by job type; `false`: none. */
  stats?: StatsOptions | false
  /** Follow the engine's events: containers are seen as they start, kills for memory are counted. Default true. */
  events?: boolean
  /** How long the engine may take over a call of ours, in ms; it counts as slow beyond. Default 15,000. */
  timeoutMs?: number
  /** The longest wait between two tries to reach the engine, in ms. Default 30,000. */
  maxRetryMs?: number
  /** How often what is known is compared with the engine's list of containers, in ms. Default 60,000. */
  resyncMs?: number
  /** Values of `job.type`; later ones are `other`. Default 50. */
  maxTypes?: number
}

export interface Settings {
  stats: Required<StatsOptions> | undefined
  events: boolean
  label: string
  all: boolean
  maxContainers: number
  timeoutMs: number
  maxRetryMs: number
  resyncMs: number
  maxTypes: number
}

/** Fills in the defaults. Throws `TL_DOCKER_OPTION` for what is out of its range. */
export function settingsOf(options: DockerOptions): Settings {
  const given = options.stats === false ? {} : (options.stats ?? {})
  const stats = {
    intervalMs: whole('stats.intervalMs', given.intervalMs ?? 10_000, 1_000, 3_600_000),
    concurrency: whole('stats.concurrency', given.concurrency ?? 32, 1, 1_000),
    maxContainers: whole('stats.maxContainers', given.maxContainers ?? 1_000, 1, 100_000),
    label: given.label ?? 'throughline.job.type',
    all: given.all ?? false,
  }
  if (typeof stats.label !== 'string' || stats.label === '')
    throw new DockerOptionError('stats.label must be the name of a label')
  return {
    stats: options.stats === false ? undefined : stats,
    events: options.events ?? true,
    label: stats.label,
    all: stats.all,
    maxContainers: stats.maxContainers,
    timeoutMs: whole('timeoutMs', options.timeoutMs ?? 15_000, 100, 600_000),
    maxRetryMs: whole('maxRetryMs', options.maxRetryMs ?? 30_000, 100, 3_600_000),
    resyncMs: whole('resyncMs', options.resyncMs ?? 60_000, 1_000, 86_400_000),
    maxTypes: whole('maxTypes', options.maxTypes ?? 50, 1, 1_000),
  }
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new DockerOptionError(`${name} must be a whole number from ${least} to ${most}`)
  return value
}
