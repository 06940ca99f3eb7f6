import { diag } from '@opentelemetry/api'

/** The job type of a container: the value of its label, of a bounded set. */
export interface JobTypes {
  /** `none` without the label, `other` beyond the bound. */
  of(labels: unknown): string
  /** Of what `createContainer` was given. */
  ofCreate(options: unknown): string
}

export function createJobTypes(label: string, most: number): JobTypes {
  const known = new Set<string>()

  function of(labels: unknown): string {
    const value = (labels as Record<string, unknown> | null | undefined)?.[label]
    if (typeof value !== 'string' || value === '') return 'none'
    const type = value.slice(0, 128)
    if (known.has(type)) return type
    if (known.size >= most) {
      if (known.size === most) {
        known.add('other')
        diag.warn(`more than ${most} job types: later ones are counted as 'other'`)
      }
      return 'other'
    }
    known.add(type)
    return type
  }

  return {
    of,
    ofCreate(options) {
      const given = options as { _body?: { Labels?: unknown }; Labels?: unknown } | null | undefined
      return of(given?._body?.Labels ?? given?.Labels)
    },
  }
}
