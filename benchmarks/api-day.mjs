// The same pages with all rows within the last day; then fifty readers beside 5,000 rows a second.

import { measureLayout } from './harness/api-layout.mjs'
import { underLoad } from './harness/api-load.mjs'

export const title = 'Reading over HTTP: a full day, and readers beside writes'

export const run = ({ rows = 2_000_000, onProgress }) =>
  measureLayout({ rows, days: 1, further: [underLoad], onProgress })
