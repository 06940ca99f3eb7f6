import type { Config } from './options.js'

/** The one line said at start: who, what is watched, where each signal goes. */
export function statusLine(facts: {
  config: Config
  instrumented: string[]
  adopted: number
  metricsPage: string | undefined
}): string {
  const { config, instrumented, adopted, metricsPage } = facts
  const parts = [
    `throughline: ${config.serviceName}`,
    `instruments ${instrumented.join(', ')}`,
    `records to ${config.tracesUrl}${config.mode === 'direct' ? ' (direct mode: no Collector, other spans are not exported)' : ''}`,
    `metrics to ${[config.metricsUrl, metricsPage].filter((one) => one !== undefined).join(' and ') || 'nowhere'}`,
    config.durability === 'memory' ? 'spool in memory only' : `spool in ${config.spoolDir}`,
  ]
  if (adopted > 0) parts.push(`${adopted} segments of ended instances taken over`)
  return parts.join('; ')
}
