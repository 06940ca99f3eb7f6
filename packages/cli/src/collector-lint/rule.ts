import type { Collector } from './collector.js'
import type { Place } from './document.js'

export interface Rule {
  /** The name of its file. */
  name: string
  /** Why it matters: what is lost, or paid. */
  reason: string
  /** What to write instead. */
  mend: string
  check: (collector: Collector) => Fault[]
}

interface Fault {
  place: Place
  /** `error`: rows, money. `warning`: metrics that a crash or a long outage costs. */
  severity: 'error' | 'warning'
  what: string
}

export interface Finding extends Place {
  rule: string
  severity: Fault['severity']
  what: string
  reason: string
  mend: string
}
