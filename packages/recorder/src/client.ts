export type { Problem } from './api/schemas/common.js'
export type { CompareAnswer, CompareQuery, Finding } from './api/schemas/compare.js'
export type {
  DeadLetterAnswer,
  DeadLettersAnswer,
  DeadLettersQuery,
  RetryAnswer,
} from './api/schemas/dead-letters.js'
export type { HealthAnswer, Hop, SessionAnswer } from './api/schemas/health.js'
export type {
  JobFigures,
  JobHost,
  JobSpread,
  JobsAnswer,
  JobsQuery,
  QueueState,
} from './api/schemas/jobs.js'
export type { BusinessEntry, Operation, OperationBrief, OperationDetail } from './api/schemas/operation.js'
export type {
  ExportQuery,
  OperationsAnswer,
  OperationsQuery,
  Story,
  UsersAnswer,
  UsersQuery,
} from './api/schemas/operations.js'
export type { Figures, PerformanceAnswer, PerformanceQuery } from './api/schemas/performance.js'
export type { ConfirmAnswer, ConfirmQuery, StatusAnswer } from './api/schemas/status.js'
export type { FiguresEvent, OperationsEvent, StreamQuery } from './api/schemas/stream.js'
export type { ChecksAnswer, SyntheticAnswer, SyntheticQuery } from './api/schemas/synthetic.js'
export type {
  BusinessAnswer,
  FrozenListAnswer,
  PeriodQuery,
  TrendAnswer,
  TrendQuery,
  UpdateBusinessAnswer,
  ValueAnswer,
  ValueReport,
} from './api/schemas/value.js'
export { ApiError, type Client, type ClientOptions, createClient } from './client/client.js'
export type { StreamEvent } from './client/events.js'
