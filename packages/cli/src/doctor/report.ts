import { plural } from '../terminal/plural.js'
import { bold, dim, green, red, say } from '../terminal/print.js'
import { oneLine } from '../terminal/printable.js'
import type { Diagnosis } from './doctor.js'
import type { Result } from './hop.js'
import type { Targets } from './targets.js'

/** As wide as the longest title. */
const titleWidth = 19
const timeWidth = 7

const marks: Record<Result['state'], () => string> = {
  ok: () => green('✔'),
  warning: () => bold('!'),
  failed: () => red('✘'),
  'not reached': () => dim('·'),
  skipped: () => dim('·'),
}

/** One line a hop as soon as it is known, below the name of its group; one more with the command where there is something to mend. */
export function printer(targets: Targets): (result: Result) => void {
  const { stack } = targets
  say(
    stack === undefined
      ? dim(
          'Looking where the environment points; a stack that runs in this folder would be found by itself.',
        )
      : dim(`Looking at the stack in ${stack.dir} (process ${stack.pid}, profile ${stack.profile}).`),
  )
  let group = ''
  return (result) => {
    if (result.group !== group) {
      group = result.group
      say()
      say(bold(group))
    }
    printHop(result)
  }
}

function printHop({ state, title, tookMs, found, mend }: Result): void {
  const quiet = state === 'not reached' || state === 'skipped'
  const time = (quiet ? '' : seconds(tookMs)).padStart(timeWidth)
  const text = oneLine(state === 'not reached' ? `not reached: ${found}` : found)
  const line = `${title.padEnd(titleWidth)}  ${dim(time)}  ${state === 'failed' ? red(text) : text}`
  say(`  ${marks[state]()} ${quiet ? dim(`${title.padEnd(titleWidth)}  ${time}  ${text}`) : line}`)
  if (mend !== undefined) say(`  ${' '.repeat(titleWidth + timeWidth + 4)}→ ${oneLine(mend)}`)
}

/** What it comes to, in one sentence. */
export function printVerdict({ results, ok, id, tookMs }: Diagnosis): void {
  const count = (state: Result['state']) => results.filter((one) => one.state === state).length
  const warned = count('warning')
  const held = count('ok') + warned
  say()
  if (ok) {
    const but = warned === 0 ? '' : `, ${warned} of them with a warning`
    say(green(`All ${held} hops hold${but}.`) + dim(`  ${seconds(tookMs)}; ${id} is in no report.`))
    return
  }
  const names = results.filter(({ state }) => state === 'failed').map(({ title }) => title)
  const unreached = count('not reached')
  const rest =
    unreached === 0
      ? ''
      : ` ${plural(unreached, 'hop', 'hops')} behind ${names.length === 1 ? 'it' : 'them'} could not be reached.`
  say(
    red(`${names.join(', ')}: mend ${names.length === 1 ? 'this' : 'these'} first.`) +
      rest +
      dim(`  ${seconds(tookMs)}`),
  )
}

/** `12 ms`, `1.3 s`. */
function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

/** The same for a program. */
export function diagnosisJson({ results, ok, id, traceId, tookMs }: Diagnosis): string {
  const hops = results.map(({ name, title, group, state, found, mend, tookMs: took }) => ({
    hop: name,
    title,
    group,
    state,
    tookMs: Math.round(took),
    found,
    mend: mend ?? null,
  }))
  return JSON.stringify({ ok, id, traceId, tookMs: Math.round(tookMs), hops }, null, 2)
}
