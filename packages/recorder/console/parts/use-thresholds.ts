import { useCallback, useEffect, useState } from 'preact/hooks'
import { parseThresholds, type Threshold, withLimit } from './thresholds.js'

const key = 'throughline.jobs.thresholds'

export type Thresholds = {
  all: readonly Threshold[]
  /** Undefined takes it away. */
  set: (queue: string | null, figure: string, limit: number | undefined) => void
  /** The browser refuses to keep them: they are gone with the page. */
  unkept: boolean
}

// Reading is refused where storage is switched off, writing where it is full.
const read = (): string | null => {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
const write = (thresholds: readonly Threshold[]): boolean => {
  try {
    localStorage.setItem(key, JSON.stringify(thresholds))
    return true
  } catch {
    return false
  }
}

/** Kept in this browser: what one person wants to be told of is no business of the next one. */
export const useThresholds = (): Thresholds => {
  const [all, setAll] = useState(() => parseThresholds(read()))
  const [unkept, setUnkept] = useState(false)

  useEffect(() => {
    const follow = (event: StorageEvent): void => {
      if (event.key === key || event.key === null) setAll(parseThresholds(read()))
    }
    addEventListener('storage', follow)
    return () => removeEventListener('storage', follow)
  }, [])

  const set = useCallback(
    (queue: string | null, figure: string, limit: number | undefined) => {
      const changed = withLimit(all, queue, figure, limit)
      setAll(changed)
      setUnkept(!write(changed))
    },
    [all],
  )
  return { all, set, unkept }
}
