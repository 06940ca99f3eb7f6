import { byHand } from './shared.mjs'

/** The hand-written calls on the API alone, which does nothing. */
export const setup = async () => ({ call: byHand() })
