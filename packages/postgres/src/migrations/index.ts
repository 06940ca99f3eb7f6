import { operations } from './0001-operations.js'
import { deadLetter } from './0002-dead-letter.js'
import { metricsView } from './0003-metrics-view.js'

export type Migration = { n: number; name: string; sql: string }

/** Forward only. A migration that was released is never edited: the runner refuses a database whose hash differs. */
export const migrations: readonly Migration[] = [
  { n: 1, name: 'operations', sql: operations },
  { n: 2, name: 'dead_letter', sql: deadLetter },
  { n: 3, name: 'metrics_view', sql: metricsView },
]
