import type { Group } from '../case.js'
import { breadth } from './breadth.js'
import { callbacks } from './callbacks.js'
import { extractors } from './extractors.js'
import { functions } from './functions.js'
import { generators } from './generators.js'
import { nodeStreams } from './node-streams.js'
import { thenables } from './thenables.js'
import { values } from './values.js'
import { webStreams } from './web-streams.js'

export const groups: readonly Group[] = [
  values,
  thenables,
  generators,
  nodeStreams,
  webStreams,
  callbacks,
  functions,
  breadth,
  extractors,
]
