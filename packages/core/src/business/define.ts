import type { Instrument, InstrumentKind } from './instrument.js'
import { checkLabels, DEFAULT_MAX_SERIES, type LabelSet } from './labels.js'

/** What every kind of instrument can be told. */
export interface InstrumentOptions<L extends LabelSet> {
  /** Every label and all its values. */
  labels?: L
  description?: string
  /** Series the metric may have, 1 to 100,000; what comes beyond shares one, labelled `otel.metric.overflow`. Default 1,000. */
  maxSeries?: number
}

interface Definition {
  readonly options: InstrumentOptions<LabelSet>
  readonly kind: InstrumentKind
  readonly unit: string
  readonly monotonic: boolean
  readonly scale?: number
  readonly bounds?: readonly number[]
  /** Money alone: each currency has series of its own under the one name. */
  readonly currency?: string
}

interface Known {
  readonly signature: string
  readonly byCurrency: Map<string, Instrument>
}

/** Shared by every copy of this package: one name has one meaning in the whole process. */
const NAMES = Symbol.for('throughline.business.v1')
const holder = globalThis as { [NAMES]?: Map<string, Known> }
// biome-ignore lint/suspicious/noAssignInExpressions: create once, share from then on
const names: Map<string, Known> = (holder[NAMES] ??= new Map())

/** Names made at run time must not fill memory: beyond this many they are not remembered, and an SDK gives them no series. */
const MAX_NAMES = 2_000

const NAME = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/
/** As UCUM writes units: letters, digits, operators, and annotations in braces such as `{order}`. */
const UNIT = /^(?:[A-Za-z0-9%./*^'[\]()_-]|\{[^{}\s]{1,40}\})+$/

/**
 * The instrument of a name: the same object wherever the same is defined again.
 * @throws TypeError for a name, unit, label or limit that is none, and for a name that was defined differently before
 */
export function define(name: string, definition: Definition): Instrument {
  const { kind, unit, monotonic, scale = 0, bounds, currency = '' } = definition
  const { labels = {}, description = '', maxSeries = DEFAULT_MAX_SERIES } = definition.options
  if (typeof name !== 'string' || name.length > 100 || !NAME.test(name)) {
    throw new TypeError(
      `business.${kind}: the name '${String(name)}' is not of the form ${NAME.source}, at most 100 characters`,
    )
  }
  if (typeof unit !== 'string' || unit.length > 63 || !UNIT.test(unit))
    throw new TypeError(`${name}: '${String(unit)}' is no unit of UCUM such as min, By or {order}`)
  if (!Number.isInteger(maxSeries) || maxSeries < 1 || maxSeries > 100_000)
    throw new TypeError(
      `${name}: maxSeries is '${String(maxSeries)}': a whole number from 1 to 100,000 is needed`,
    )
  checkLabels(name, labels, maxSeries)
  const signature = JSON.stringify([kind, unit, monotonic, Object.entries(labels), bounds ?? [], maxSeries])
  const known = names.get(name)
  if (known !== undefined && known.signature !== signature)
    throw new TypeError(
      `business.${kind}: '${name}' is defined already, with other options: ${known.signature}`,
    )
  const same = known?.byCurrency.get(currency)
  if (same !== undefined) return same
  const instrument: Instrument = {
    kind,
    name: `business.${name}`,
    unit,
    description,
    labels,
    maxSeries,
    scale,
    monotonic,
    ...(bounds === undefined ? {} : { bounds }),
  }
  if (known !== undefined) known.byCurrency.set(currency, instrument)
  else if (names.size < MAX_NAMES)
    names.set(name, { signature, byCurrency: new Map([[currency, instrument]]) })
  return instrument
}
