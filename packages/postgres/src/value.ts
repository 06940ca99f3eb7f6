export {
  type BusinessSource,
  type DayFacts,
  type FactSource,
  readValueFacts,
  rowsSince,
} from './reading/value-facts.js'
export { type Calculation, calculate, type Fact, type Measure } from './reading/value-figures.js'
export type { MetadataTest, RowFilter } from './reading/value-filter.js'
export { countMatches, keepMatches, type Matches } from './reading/value-matches.js'
export { type FrozenReport, findFrozen, insertFrozen, listFrozen } from './reading/value-reports.js'
export { inSnapshot } from './reading/value-snapshot.js'
export { countSql, type Stretch, sqlOf, usersSql } from './reading/value-sql.js'
export { readActiveUsers } from './reading/value-users.js'
