// Reading over HTTP: the pages of a real recorder process against the same questions in plain SQL over the same rows, interleaved, while
// rows come in. Milliseconds are stated, ratios are held.
import { measureLayout } from './harness/api-layout.mjs'

export const title = 'Reading over HTTP: a month'

export const run = ({ rows = 2_000_000, onProgress }) => measureLayout({ rows, days: 30, onProgress })
