export type { Counter, Gauge, Histogram, Money } from './business/business.js'
export type { LabelSet } from './business/labels.js'
