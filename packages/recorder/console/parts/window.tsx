import { go, linkWith, type Route } from '../router.js'

const windows = [
  { hours: '0.25', name: '15 min', long: 'the last 15 minutes', every: 5_000 },
  { hours: '1', name: '1 h', long: 'the last hour', every: 10_000 },
  { hours: '6', name: '6 h', long: 'the last 6 hours', every: 30_000 },
  { hours: '24', name: '24 h', long: 'the last 24 hours', every: 30_000 },
  { hours: '168', name: '7 d', long: 'the last 7 days', every: 60_000 },
  { hours: '720', name: '30 d', long: 'the last 30 days', every: 60_000 },
] as const

export type Chosen = {
  query: { hours: number } | { from: string; until: string }
  long: string
  /** How often it is asked again; undefined for a window that is over. */
  everyMs: number | undefined
}

/** Of the address: `hours`, else `from` and `until`; 24 hours. */
export const chosenWindow = ({ params }: Route): Chosen => {
  const [from, until] = [params.get('from'), params.get('until')]
  if (from !== null && until !== null && !Number.isNaN(Date.parse(from)) && !Number.isNaN(Date.parse(until)))
    return { query: { from, until }, long: 'the window that you marked', everyMs: undefined }
  const hours = Number(params.get('hours') ?? 24)
  const known = windows.find((one) => Number(one.hours) === hours) ?? windows[3]
  return { query: { hours: Number(known.hours) }, long: known.long, everyMs: known.every }
}

export const WindowPicker = ({ route }: { route: Route }) => {
  const { query } = chosenWindow(route)
  return (
    <fieldset class="segments" aria-label="Window">
      {windows.map(({ hours, name, long }) => (
        <button
          key={hours}
          type="button"
          title={long}
          aria-pressed={'hours' in query && query.hours === Number(hours)}
          onClick={() => go(linkWith(route, { hours, from: null, until: null }))}
        >
          {name}
        </button>
      ))}
      {'from' in query && (
        <button
          type="button"
          aria-pressed={true}
          onClick={() => go(linkWith(route, { from: null, until: null }))}
        >
          Marked ✕
        </button>
      )}
    </fieldset>
  )
}

/** Marks a window in a chart; at least a minute. */
export const markWindow = (route: Route, fromMs: number, untilMs: number): void => {
  const from = Math.floor(fromMs / 60_000) * 60_000
  const until = Math.max(from + 60_000, Math.ceil(untilMs / 60_000) * 60_000)
  go(
    linkWith(route, {
      hours: null,
      from: new Date(from).toISOString(),
      until: new Date(until).toISOString(),
    }),
  )
}
