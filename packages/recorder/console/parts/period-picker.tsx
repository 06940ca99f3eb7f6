type Props = { period: string | undefined; choose: (period: string | null) => void }

/** A month back, a month on, or any period as text: `2026-Q4`, `2026`, `2026-10-01..2026-10-15`. */
export const PeriodPicker = ({ period, choose }: Props) => {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const text = new FormData(event.currentTarget as HTMLFormElement).get('period')
    choose(typeof text === 'string' && text.trim() !== '' ? text.trim() : null)
  }
  const month = /^\d{4}-\d{2}$/.test(period ?? '') ? period : undefined
  return (
    <form class="period" onSubmit={submit} aria-label="Period">
      <button
        type="button"
        aria-label="The month before"
        disabled={month === undefined}
        onClick={() => month !== undefined && choose(moved(month, -1))}
      >
        ‹
      </button>
      <input
        name="period"
        key={period}
        defaultValue={period}
        aria-label="Period: 2026-10, 2026-Q4, 2026, or day..day"
        placeholder="2026-10"
        maxLength={40}
        autocomplete="off"
        spellcheck={false}
      />
      <button
        type="button"
        aria-label="The next month"
        disabled={month === undefined || month >= new Date().toISOString().slice(0, 7)}
        onClick={() => month !== undefined && choose(moved(month, 1))}
      >
        ›
      </button>
    </form>
  )
}

const moved = (month: string, by: number): string => {
  const date = new Date(`${month}-01T00:00:00Z`)
  date.setUTCMonth(date.getUTCMonth() + by)
  return date.toISOString().slice(0, 7)
}
