/**
 * - `TL_OTLP_MALFORMED`: the body is not the OTLP message it is said to be, and will never become one
 * - `TL_OTLP_LIMIT`: the body goes beyond one of the `DecodeLimits`
 * - `TL_OTLP_ID`: a trace or span ID has the wrong length or is not hexadecimal; also thrown by the encoders
 */
type OtlpErrorCode = 'TL_OTLP_MALFORMED' | 'TL_OTLP_LIMIT' | 'TL_OTLP_ID'

/** The message names the field and where it stands: the byte of a protobuf body, the path in a JSON body. */
export class OtlpError extends Error {
  override readonly name = 'OtlpError'
  readonly code: OtlpErrorCode

  constructor(code: OtlpErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
