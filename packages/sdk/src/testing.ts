export { type HarnessOptions, type TestThroughline, testThroughline } from './harness/harness.js'
export {
  type ExpectedOperation,
  type MatcherResult,
  type ThroughlineMatchers,
  throughlineMatchers,
} from './harness/matchers.js'
export type { RecordedOperation } from './harness/recorded.js'
