import type { Config } from './options.js'
import { probe } from './probe.js'

/** The line waits this long for the answer of the receiver. */
const PROBE_MS = 1_000

interface Facts {
  readonly config: Config
  /** What of OpenTelemetry is in use. */
  readonly description: string
  readonly adopted: number
  readonly metricsPage: string | undefined
}

/** The one line said at start: who, what is watched, where each signal goes, and whether somebody is there. */
function statusLine({ config, description, adopted, metricsPage }: Facts, answer: string): string {
  const parts = [
    `throughline: ${config.serviceName}`,
    description,
    `records to ${config.tracesUrl} (${answer}${config.mode === 'direct' ? '; direct mode: no Collector, other spans are not exported' : ''}${config.confirm === undefined ? '' : `; confirmed by ${config.confirm.url}`})`,
    `metrics to ${[config.metricsUrl, metricsPage].filter((one) => one !== undefined).join(' and ') || 'nowhere'}`,
    config.durability === 'memory' ? 'spool in memory only' : `spool in ${config.spoolDir}`,
  ]
  if (adopted > 0) parts.push(`${adopted} segments of ended instances taken over`)
  return parts.join('; ')
}

/**
 * Says the line once: when the receiver has answered, after a second without an answer, or when the process ends before. Nobody waits for
 * it. Returns what says it at once.
 */
export function announce(facts: Facts): () => void {
  let said = false
  function say(answer = 'not asked'): void {
    if (said) return
    said = true
    facts.config.log(statusLine(facts, answer))
  }
  void probe(facts.config.tracesUrl, facts.config.tracesHeaders, PROBE_MS).then(say)
  return () => say()
}
