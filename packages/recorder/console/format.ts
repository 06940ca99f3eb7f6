const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** `12,345`. */
export const count = (value: number): string => whole.format(value)

/** `12.3 k`, where an axis has no room for all digits. */
export const short = (value: number): string => {
  const size = Math.abs(value)
  if (size >= 1e9) return `${digits(value / 1e9)} G`
  if (size >= 1e6) return `${digits(value / 1e6)} M`
  if (size >= 1e4) return `${digits(value / 1e3)} k`
  return size < 10 ? String(Number(value.toFixed(2))) : whole.format(value)
}

const digits = (value: number): string => String(Number(value.toPrecision(3)))

/** `740 µs`, `156.7 ms`, `2.31 s`, `3 min 12 s`, `5 h 02 min`. */
export const duration = (ms: number | null): string => {
  if (ms === null) return '–'
  if (ms === 0) return '0 ms'
  if (ms < 1) return `${Number((ms * 1000).toPrecision(3))} µs`
  if (ms < 100) return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`
  if (ms < 1_000) return `${ms.toFixed(0)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(2)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 2_880) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
  return `${(minutes / 1_440).toFixed(1)} days`
}

const two = (value: number): string => String(value).padStart(2, '0')

/** Never rounded up to 100 %, nor down to 0 %: one failure in a million is not none. */
export const percent = (share: number | null): string => {
  if (share === null) return '–'
  if (share === 1 || share === 0) return `${share * 100} %`
  const rounded = Math.min(99.99, Math.max(0.01, Number((share * 100).toFixed(2))))
  return `${rounded.toFixed(2)} %`
}

/** Of a change: `+12 %`. */
export const change = (share: number): string => {
  if (share >= 9) return `${short(Number((share + 1).toPrecision(2)))}-fold`
  const value = share * 100
  const text = Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(1)
  return `${Number(text) > 0 ? '+' : Number(text) < 0 ? '−' : '±'}${text.replace('-', '')} %`
}

/** Of a difference of two rates: `−0.4 points`. */
export const points = (difference: number): string => change(difference).replace(' %', ' points')

export const rate = (perSecond: number): string =>
  perSecond >= 0.1 || perSecond === 0
    ? `${short(Number(perSecond.toPrecision(3)))}/s`
    : `${Number((perSecond * 60).toPrecision(2))}/min`

/** An exact decimal with its thousands parted; no digit passes through a float. */
export const decimal = (text: string): string => {
  const parts = /^([+-]?)(\d+)(\.\d+)?$/.exec(text)
  if (parts === null) return text
  const [, sign = '', integer = '', fraction = ''] = parts
  return `${sign === '-' ? '−' : ''}${integer.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction}`
}

/** The value of a figure with its unit: `9,490.00 USD`, `80 %`, `2027-03-14`. */
export const figure = (value: string | null, unit: string): string => {
  if (value === null) return '–'
  return unit === '1' || unit === 'date' ? decimal(value) : `${decimal(value)} ${unit}`
}

/** ms since 1970, with the microseconds that a row has and `Date` leaves out. */
export const msOf = (time: string): number => {
  const micros = /\.\d{3}(\d{1,6})/.exec(time)?.[1] ?? ''
  return Date.parse(time) + Number(`0.${micros || '0'}`)
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' })

/** `14:05:09`, and the day before it when that is not today's. In the time of the browser. */
export const moment = (time: string | number, now = Date.now()): string => {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return String(time)
  const today = new Date(now).toDateString() === date.toDateString()
  return today ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`
}

export const fullMoment = (time: string | number): string => full.format(new Date(time))

/** `12 s ago`. */
export const ago = (time: string | number, now = Date.now()): string => {
  const seconds = Math.max(0, Math.round((now - new Date(time).getTime()) / 1_000))
  if (seconds < 2) return 'just now'
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h ago`
  return `${Math.round(seconds / 86_400)} days ago`
}

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** `hours_saved` becomes `Hours saved`; `ratio.conflict_elimination` becomes `Conflict elimination`. */
export const title = (name: string): string => {
  const words = name
    .replace(/^ratio\./, '')
    .replaceAll('_', ' ')
    .replaceAll('.', ': ')
  const known = words
    .replace(/ (?:percent|months)$/, '')
    .replace(/ ms$/, ' time')
    .replace(/\broi\b/, 'ROI')
  return known.charAt(0).toUpperCase() + known.slice(1)
}
