import { track } from '@throughline/core'
import { attributes, work } from './shared.mjs'

/** track without an SDK. */
export const setup = async () => ({
  call: track('Billing.charge', work, { metadata: ({ args }) => attributes(args[0]) }),
})
