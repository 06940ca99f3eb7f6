/** The version of this package; a test compares it with package.json. */
export const VERSION = '0.1.0'

export const OPERATIONS_SCOPE = { name: 'throughline.operations', version: VERSION }
export const BUSINESS_SCOPE = { name: 'throughline.business', version: VERSION }
export const OWN_SCOPE = { name: 'throughline.sdk', version: VERSION }
