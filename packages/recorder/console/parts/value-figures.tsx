import { useState } from 'preact/hooks'
import type { ValueAnswer, ValueReport } from '../../src/client.js'
import { figure, plural, title } from '../format.js'
import { Copy } from './copy.js'
import { Scroll, Text } from './scroll.js'

type Figure = ValueReport['figures'][number]
type Difference = ValueAnswer['differences'][number]
type Props = { report: ValueReport; differences: readonly Difference[] }

// What a manager asks for first; the others follow in the order of the model.
const first = [
  'savings',
  'hours_saved',
  'successes',
  'adoption_percent',
  'savings_over_cost_percent',
  'payback_months',
]

/** Every figure opens into what it is made of. */
export const Figures = ({ report, differences }: Props) => {
  const leading = first.flatMap((name) => report.figures.find((one) => one.name === name) ?? [])
  const others = report.figures.filter((one) => !leading.includes(one))
  const [open, setOpen] = useState<string>()
  const toggle = (name: string): void => setOpen(open === name ? undefined : name)
  const shown = report.figures.find(({ name }) => name === open)
  const differing = new Map(differences.map((one) => [one.figure, one]))
  return (
    <>
      <div class="leading">
        {leading.map((one) => (
          <button
            key={one.name}
            type="button"
            class={`card figure ${differing.has(one.name) ? 'differs' : ''}`}
            aria-expanded={open === one.name}
            aria-controls="explained"
            onClick={() => toggle(one.name)}
          >
            <span class="figure-name">{title(one.name)}</span>
            <span class="big">{figure(one.value, one.unit)}</span>
            <span class="small muted">
              {one.rows > 0 ? `from ${plural(one.rows, 'row')}` : 'from the model'}
            </span>
          </button>
        ))}
      </div>
      <div id="explained">
        {shown !== undefined && leading.includes(shown) && (
          <Explained figure={shown} report={report} difference={differing.get(shown.name)} />
        )}
      </div>
      <section class="card">
        <h2>All other figures</h2>
        <ul class="figures">
          {others.map((one) => (
            <li key={one.name}>
              <button
                type="button"
                class="plain"
                aria-expanded={open === one.name}
                onClick={() => toggle(one.name)}
              >
                <span>{title(one.name)}</span>
                <span class="muted small">{one.rows > 0 ? plural(one.rows, 'row') : 'from the model'}</span>
                <b class={`number ${differing.has(one.name) ? 'worse' : ''}`}>
                  {figure(one.value, one.unit)}
                </b>
              </button>
              {open === one.name && (
                <Explained figure={one} report={report} difference={differing.get(one.name)} />
              )}
            </li>
          ))}
        </ul>
      </section>
    </>
  )
}

type ExplainedProps = { figure: Figure; report: ValueReport; difference: Difference | undefined }

const Explained = ({ figure: one, report, difference }: ExplainedProps) => {
  const further = Object.entries(report.names)
    .filter(([, name]) => name === one.name)
    .map(([name]) => name)
  return (
    <div class="explained card">
      <h3>
        {title(one.name)} = {figure(one.value, one.unit)}
      </h3>
      <p class="formula">{one.formula}</p>
      {one.note !== null && <p class="muted">{one.note}</p>}
      {one.inputs.length > 0 && (
        <Scroll label="Inputs">
          <table>
            <thead>
              <tr>
                <th scope="col">Input</th>
                <th scope="col" class="number">
                  Value
                </th>
                <th scope="col">From</th>
              </tr>
            </thead>
            <tbody>
              {one.inputs.map((input, at) => (
                <tr key={at}>
                  <th scope="row">{input.name}</th>
                  <td class="number">{figure(input.value, input.unit ?? '1')}</td>
                  <td>
                    <span class="tag">{input.source}</span> {input.detail}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {difference !== undefined && <Differs difference={difference} unit={one.unit} />}
      <details>
        <summary>The same number by SQL, from {plural(one.rows, 'row')}</summary>
        <Copy text={one.sql} what="SQL" />
        <Text label="Sql" text={one.sql} also="sql" />
      </details>
      <p class="muted small">
        <code>{one.name}</code>
        {further.length > 0 && (
          <>
            , also <code>{further.join(', ')}</code>
          </>
        )}
      </p>
    </div>
  )
}

const Differs = ({ difference, unit }: { difference: Difference; unit: string }) => (
  <div class="notice" role="note">
    <div>
      <strong>
        Frozen as {figure(difference.frozen, unit)}, today {figure(difference.now, unit)}:
      </strong>
      <ul>
        {difference.reasons.map((reason, at) => (
          <li key={at}>
            {reason.kind === 'assumption'
              ? reason.changes.join('; ')
              : reason.kind === 'formula'
                ? 'the formula is another one'
                : `${plural(reason.rows, 'row')} ${reason.kind === 'late_rows' ? 'came later' : 'are gone'}`}
            {reason.from !== null && reason.to !== null && (
              <span class="muted">
                {' '}
                ({figure(reason.from, unit)} → {figure(reason.to, unit)})
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  </div>
)
