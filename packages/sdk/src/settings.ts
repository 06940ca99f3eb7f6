import { SdkError } from './errors.js'

/** Environment variables; one that is set to nothing is not set, as OpenTelemetry has it. */
export type Env = Record<string, string | undefined>

export function withoutEmpty(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
}

/** @throws SdkError for anything but an http or https URL without a password. */
export function url(what: string, value: string): string {
  let parsed: URL | undefined
  try {
    parsed = new URL(value)
  } catch {
    // said below, together with a wrong protocol
  }
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new SdkError(
      'TL_OPTION_INVALID',
      `${what} is '${value}': an http or https URL such as http://127.0.0.1:4318 is needed`,
    )
  }
  // The URL is said in the status line and in warnings.
  if (parsed.username !== '' || parsed.password !== '')
    throw new SdkError(
      'TL_OPTION_INVALID',
      `${what} carries a user name or password: headers (OTEL_EXPORTER_OTLP_HEADERS) is the place for them`,
    )
  return value.replace(/\/+$/, '')
}

export function whole(
  what: string,
  value: number | string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (value === undefined || value === '') return fallback
  const number = Number(value)
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new SdkError(
      'TL_OPTION_INVALID',
      `${what} is '${value}': a whole number from ${least} to ${most} is needed`,
    )
  }
  return number
}

export function oneOf<T extends string>(
  what: string,
  value: string | undefined,
  allowed: readonly [T, ...T[]],
): T {
  if (value === undefined || value === '') return allowed[0]
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined)
    throw new SdkError('TL_OPTION_INVALID', `${what} is '${value}': one of ${allowed.join(', ')} is needed`)
  return found
}

/** `key=value,key=value`, percent-encoded: headers and resource attributes. */
export function keyValues(text: string | undefined): Record<string, string> {
  const result: Record<string, string> = {}
  for (const pair of (text ?? '').split(',')) {
    const at = pair.indexOf('=')
    if (at > 0) result[pair.slice(0, at).trim()] = decode(pair.slice(at + 1).trim())
  }
  return result
}

/** `a, b`: undefined when the variable is not set. */
export function list(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
