import { autometrics } from '@autometrics/autometrics'
import { work } from './shared.mjs'

/** Two metrics a call, no span. */
export const setup = async () => ({
  call: autometrics({ functionName: 'charge', moduleName: 'billing' }, work),
})
