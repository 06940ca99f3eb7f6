import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Story } from '../../src/client.js'
import { duration, plural } from '../format.js'
import { CrossIcon } from './icons.js'
import { operationName } from './lists.js'
import type { TreeRow } from './tree.js'

type Props = {
  rows: readonly TreeRow[]
  story: Story
  selected: TreeRow | undefined
  select: (row: TreeRow) => void
}

const rowHeight = 30
const overscan = 12
// Deeper ones keep their order; a name has to stay readable.
const maxIndent = 12

/**
 * A list of which only what can be seen is in the document: ten thousand rows scroll like ten. One place in the order of
 * the tab key; arrows, Page, Home and End move in it.
 */
export const Waterfall = ({ rows, story, selected, select }: Props) => {
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600 })
  const hues = useMemo(() => new Map(story.services.map((service, at) => [service, at % 8])), [story])
  const at = selected === undefined ? -1 : rows.indexOf(selected)

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const look = (): void => setView({ top: element.scrollTop, height: element.clientHeight })
    const watch = new ResizeObserver(look)
    watch.observe(element)
    element.addEventListener('scroll', look, { passive: true })
    return () => {
      watch.disconnect()
      element.removeEventListener('scroll', look)
    }
  }, [])

  const move = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1)
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    const next = Math.min(rows.length - 1, Math.max(0, (at < 0 && step > 0 ? -1 : at) + step))
    const row = rows[next]
    if (row === undefined) return
    select(row)
    const element = box.current
    if (element === null) return
    if (next * rowHeight < element.scrollTop) element.scrollTop = next * rowHeight
    const bottom = (next + 1) * rowHeight - element.clientHeight
    if (bottom > element.scrollTop) element.scrollTop = bottom
  }

  const first = Math.max(0, Math.floor(view.top / rowHeight) - overscan)
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + overscan)
  const whole = Math.max(story.durationMs, 0.001)
  return (
    <div class="waterfall">
      <div class="ruler" aria-hidden="true">
        <div>
          {[0, 0.25, 0.5, 0.75, 1].map((share) => (
            <span key={share} style={{ left: `${share * 100}%` }}>
              {share === 0 ? '0' : duration(whole * share)}
            </span>
          ))}
        </div>
      </div>
      <div
        class="rows"
        ref={box}
        role="listbox"
        tabIndex={0}
        aria-label={`${plural(rows.length, 'operation')}, callers before what they called`}
        aria-activedescendant={at >= first && at < last ? `row-${at}` : undefined}
        onKeyDown={move}
        style={{ '--rows': rows.length }}
      >
        <div role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
          {rows.slice(first, last).map((row, offset) => (
            <Row
              key={first + offset}
              row={row}
              at={first + offset}
              of={rows.length}
              whole={whole}
              hue={hues.get(row.operation.service) ?? 0}
              selected={first + offset === at}
              select={select}
            />
          ))}
        </div>
      </div>
    </div>
  )
}

type RowProps = {
  row: TreeRow
  at: number
  of: number
  whole: number
  hue: number
  selected: boolean
  select: (row: TreeRow) => void
}

const Row = ({ row, at, of, whole, hue, selected, select }: RowProps) => {
  const { operation, depth, fromMs } = row
  const left = Math.min(99.6, Math.max(0, (100 * fromMs) / whole))
  const width = Math.min(100 - left, (100 * operation.durationMs) / whole)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys.
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and says which row is meant.
    <div
      id={`row-${at}`}
      class={`row ${selected ? 'selected' : ''} ${operation.success ? '' : 'failed'}`}
      role="option"
      aria-selected={selected}
      aria-posinset={at + 1}
      aria-setsize={of}
      style={{ top: `${at * rowHeight}px` }}
      onClick={() => select(row)}
    >
      <span
        class="label"
        style={{ paddingInlineStart: `${Math.min(depth, maxIndent) * 14}px` }}
        title={operationName(operation)}
      >
        <span class={`dot hue-${hue}`} />
        <span class="name">{operationName(operation)}</span>
        <span class="muted small service">{operation.service}</span>
      </span>
      <span class="lane">
        <span class={`span hue-${hue}`} style={{ left: `${left}%`, width: `max(3px, ${width}%)` }} />
      </span>
      <span class="took">
        {!operation.success && (
          <>
            <CrossIcon />
            <span class="unseen">failed, </span>
          </>
        )}
        {duration(operation.durationMs)}
      </span>
    </div>
  )
}
