import { operations } from './0001-operations.js'
import { deadLetter } from './0002-dead-letter.js'
import { metricsView } from './0003-metrics-view.js'
import { delivery } from './0004-delivery.js'
import { rollups } from './0005-rollups.js'
import { tokens } from './0006-tokens.js'
import { recordIn } from './0007-record-in.js'
import { roles } from './0008-roles.js'
import { value } from './0009-value.js'
import { fives } from './0010-fives.js'
import { weeks } from './0011-weeks.js'
import { synthetic } from './0012-synthetic.js'
import { jobs } from './0013-jobs.js'
import { erase } from './0014-erase.js'
import { services } from './0015-services.js'
import { recount } from './0016-recount.js'

export type Migration = { n: number; name: string; sql: string }

/** Forward only. A migration that was released is never edited: the runner refuses a database whose hash differs. */
export const migrations: readonly Migration[] = [
  { n: 1, name: 'operations', sql: operations },
  { n: 2, name: 'dead_letter', sql: deadLetter },
  { n: 3, name: 'metrics_view', sql: metricsView },
  { n: 4, name: 'delivery', sql: delivery },
  { n: 5, name: 'rollups', sql: rollups },
  { n: 6, name: 'tokens', sql: tokens },
  { n: 7, name: 'record_in', sql: recordIn },
  { n: 8, name: 'roles', sql: roles },
  { n: 9, name: 'value', sql: value },
  { n: 10, name: 'fives', sql: fives },
  { n: 11, name: 'weeks', sql: weeks },
  { n: 12, name: 'synthetic', sql: synthetic },
  { n: 13, name: 'jobs', sql: jobs },
  { n: 14, name: 'erase', sql: erase },
  { n: 15, name: 'services', sql: services },
  { n: 16, name: 'recount', sql: recount },
]
