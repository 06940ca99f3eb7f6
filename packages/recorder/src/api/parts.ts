import type { Pool } from 'pg'
import type { Auth } from '../auth.js'
import type { Counters } from '../counters.js'
import type { Database } from '../database.js'
import type { FaultLog } from '../fault-log.js'
import type { GroupCommit } from '../group-commit.js'
import type { Maintenance } from '../maintenance.js'
import type { Settings } from '../options.js'
import type { ByteBudget } from '../read-body.js'
import type { ValueModel } from '../value/model.js'
import type { ValuePublisher } from '../value/publisher.js'
import type { Coalesce } from './coalesce.js'

/** What the recorder gives to its API. */
export type RecorderParts = {
  settings: Settings
  database: Database
  auth: Auth
  counters: Counters
  log: FaultLog
  budget: ByteBudget
  commits: GroupCommit
  maintenance: Maintenance
}

/** What the routes share. */
export type ApiParts = RecorderParts & {
  /** At most four connections, each with the statement timeout of queries. */
  reads: Pool
  coalesce: Coalesce
  model: ValueModel | undefined
  /** Undefined: nobody was named to publish to, or the database was never there. */
  publisher: () => ValuePublisher | undefined
}
