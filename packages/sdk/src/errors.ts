/** Every code this package can throw at start; on the hot path nothing is thrown. */
export type SdkErrorCode = 'TL_ALREADY_STARTED' | 'TL_METRICS_PORT_TAKEN' | 'TL_OPTION_INVALID'

/** A mistake in the set-up, said before anything runs. */
export class SdkError extends Error {
  readonly code: SdkErrorCode

  constructor(code: SdkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SdkError'
    this.code = code
  }
}
