import type { Row } from '../row.js'
import { database } from './database.js'
import { delivery } from './delivery.js'
import { disks } from './disks.js'
import { hostile } from './hostile.js'
import { kills } from './kills.js'
import { network } from './network.js'
import { others } from './others.js'
import { steps } from './steps.js'

/** The fault matrix, in the order of the document. A new row is an entry in one of these. */
export const rows: readonly Row[] = [
  ...kills,
  ...steps,
  ...network,
  ...delivery,
  ...hostile,
  ...database,
  ...disks,
  ...others,
]
