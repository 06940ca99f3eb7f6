import { work } from './shared.mjs'

/** The call alone. */
export const setup = async () => ({ call: work })
