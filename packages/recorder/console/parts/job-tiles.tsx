import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { WarningIcon } from './icons.js'
import { type JobFigure, type JobScope, limitText } from './job-figures.js'
import { isCrossed, isLimit, limitOf } from './thresholds.js'
import type { Thresholds } from './use-thresholds.js'

type StripProps = {
  scope: JobScope
  figures: readonly JobFigure[]
  thresholds: Thresholds
  /** What stands below the number, by key. */
  notes?: Record<string, ComponentChildren>
}

/** Figures in one strip, each with a threshold of its own. */
export const JobStrip = ({ scope, figures, thresholds, notes = {} }: StripProps) => (
  <dl class="tiles">
    {figures.map((figure) => (
      <JobTile
        key={`${scope.queue} ${figure.key}`}
        figure={figure}
        scope={scope}
        limit={limitOf(thresholds.all, scope.queue, figure.key)}
        set={(limit) => thresholds.set(scope.queue, figure.key, limit)}
      >
        {notes[figure.key]}
      </JobTile>
    ))}
  </dl>
)

type TileProps = {
  figure: JobFigure
  scope: JobScope
  limit: number | undefined
  set: (limit: number | undefined) => void
  children?: ComponentChildren
}

const JobTile = ({ figure, scope, limit, set, children }: TileProps) => {
  const [open, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const crossed = isCrossed(figure, scope, limit)
  const close = (): void => {
    setOpen(false)
    button.current?.focus()
  }
  return (
    <div class={`tile ${crossed ? 'crossed' : ''}`}>
      <dt>{figure.title}</dt>
      <dd>
        <span class="big">{figure.show(figure.read(scope))}</span>
        {children !== undefined && <span class="small muted">{children}</span>}
        <button
          ref={button}
          type="button"
          class="quiet limit"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {crossed && <WarningIcon />}
          {limit === undefined
            ? 'Set threshold'
            : `${crossed ? 'Is' : 'Not'} ${figure.bad} ${limitText(limit, figure.unit)}`}
          <span class="unseen"> of {figure.title}</span>
        </button>
        {open && <LimitForm figure={figure} limit={limit} set={set} close={close} />}
      </dd>
    </div>
  )
}

type FormProps = Pick<TileProps, 'figure' | 'limit' | 'set'> & { close: () => void }

const LimitForm = ({ figure, limit, set, close }: FormProps) => {
  const input = useRef<HTMLInputElement>(null)
  const [refusal, setRefusal] = useState('')
  // Before it is seen: what is typed next belongs into it.
  useLayoutEffect(() => input.current?.focus(), [])
  const id = `limit-${figure.key}`

  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const value = input.current?.valueAsNumber
    if (!isLimit(value)) {
      setRefusal('A number, 0 or more.')
      input.current?.focus()
      return
    }
    set(value)
    close()
  }
  return (
    <form
      class="limit-form"
      noValidate
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close()
      }}
    >
      <label for={id}>
        Warn {figure.bad} ({figure.unit})
      </label>
      <input
        ref={input}
        id={id}
        type="number"
        min="0"
        step="any"
        inputMode="decimal"
        defaultValue={limit === undefined ? '' : String(limit)}
        aria-describedby={`${id}-refusal`}
        aria-invalid={refusal !== ''}
      />
      <p id={`${id}-refusal`} class="refusal" role="alert">
        {refusal}
      </p>
      <span class="buttons">
        <button type="submit">Keep</button>
        {limit !== undefined && (
          <button
            type="button"
            onClick={() => {
              set(undefined)
              close()
            }}
          >
            Remove
          </button>
        )}
      </span>
    </form>
  )
}
