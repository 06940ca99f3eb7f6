import type { SealedOperation } from './sealed-operation.js'

/** Why something was refused, cut or replaced. Each is a counter of the SDK, `throughline.notices{reason}`. */
export type NoticeReason =
  | 'business_value_refused'
  | 'business_label_other'
  | 'business_values_dropped'
  | 'correlation_field_refused'
  | 'correlation_id_replaced'
  | 'correlation_id_untrusted'
  | 'extraction_failed'
  | 'flush_incomplete'
  | 'internal_error'
  | 'metadata_cut'
  | 'open_operation_unlisted'
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

/** The part of an SDK that ends operations without a caller; `runtime.ts` knows its full type. */
interface Sink extends NoticeSink {
  end(operation: object): void
  seal?(operation: object, durationMs: number): SealedOperation
}

/** What a list of open operations is made of: each is its own link, so that listing one allocates nothing. */
export interface Link {
  older: Link | undefined
  newer: Link | undefined
}

interface Slot {
  runtime: Sink | undefined
  /** Operations that have begun and not ended, of every copy of this package. */
  readonly open: { oldest: Link | undefined; newest: Link | undefined; size: number }
  /** The first operation that was called without an SDK; empty once an SDK has been here, after which nobody asks. */
  early?: string
}

const holder = globalThis as { [SLOT]?: Slot }

/** A leaf of the import graph, so that what the runtime is made of may speak to it; `runtime.ts` knows its full type. */
// biome-ignore lint/suspicious/noAssignInExpressions: create once, share from then on
export const sharedSlot: Slot = (holder[SLOT] ??= {
  runtime: undefined,
  open: { oldest: undefined, newest: undefined, size: 0 },
})
