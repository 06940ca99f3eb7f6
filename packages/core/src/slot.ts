/** Why something was refused, cut or replaced. Each is a counter of the SDK, `throughline.notices{reason}`. */
export type NoticeReason =
  | 'business_value_refused'
  | 'business_label_other'
  | 'business_values_dropped'
  | 'correlation_id_replaced'
  | 'extraction_failed'
  | 'internal_error'
  | 'metadata_cut'
  | 'operation_sealed'

/** The part of an SDK that every file of this package may speak to. */
export interface NoticeSink {
  /** Counts the reason, and names each `detail` once in the log. */
  notice(reason: NoticeReason, detail: string): void
}

/**
 * One slot for the whole process, whatever number of copies of this package it holds and in whatever order they load.
 * The version is in the name: a later, different contract takes another slot.
 */
const SLOT = Symbol.for('throughline.runtime.v1')

interface Slot {
  runtime: NoticeSink | undefined
}

const holder = globalThis as { [SLOT]?: Slot }

/** A leaf of the import graph, so that what the runtime is made of may speak to it; `runtime.ts` knows its full type. */
// biome-ignore lint/suspicious/noAssignInExpressions: create once, share from then on
export const sharedSlot: Slot = (holder[SLOT] ??= { runtime: undefined })
