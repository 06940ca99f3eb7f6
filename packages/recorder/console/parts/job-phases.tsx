import type { JobFigures, JobsAnswer } from '../../src/client.js'
import { count, duration, percent } from '../format.js'
import { Scroll } from './scroll.js'

type Phase = JobFigures['phases'][number]

const names: Record<Phase['phase'], string> = {
  queued: 'waiting in queue',
  pulling: 'pulling image',
  creating: 'creating',
  starting: 'starting',
  running: 'running',
  collecting: 'collecting',
  removing: 'removing',
}

type Part = Phase & { share: number }

/** What share of all time each phase took: a phase that few jobs have weighs little. */
const partsOf = ({ phases }: JobFigures): Part[] => {
  const total = phases.reduce((sum, one) => sum + timeOf(one), 0)
  return phases.map((one) => ({ ...one, share: total === 0 ? 0 : timeOf(one) / total }))
}
const timeOf = ({ averageMs, count: jobs }: Phase): number => (averageMs ?? 0) * jobs

/** One bar; each phase has its colour, and the text says the same. */
export const PhaseBar = ({ figures, slim = false }: { figures: JobFigures; slim?: boolean }) => {
  const parts = partsOf(figures)
  if (parts.length === 0) return <span class="muted">–</span>
  const text = parts
    .map(({ phase, share, averageMs }) => `${names[phase]} ${percent(share)}, ${duration(averageMs)}`)
    .join('; ')
  return (
    <span class={`phase-bar ${slim ? 'slim' : ''}`} role="img" aria-label={text} title={text}>
      {parts.map(({ phase, share }) => (
        <span key={phase} class={`phase ${phase}`} style={{ width: `${share * 100}%` }} />
      ))}
    </span>
  )
}

/** Waiting for a slot, for an image, for the engine, or at work: where the time of the jobs goes. */
export const Phases = ({ answer }: { answer: JobsAnswer }) => {
  const parts = partsOf(answer.total)
  if (parts.length === 0)
    return (
      <p class="muted calm">
        No job of this window tells its phases. <code>execution.phase('creating', …)</code> does; waiting in
        the queue is known by itself when the job carries when it was enqueued.
      </p>
    )
  return (
    <>
      <PhaseBar figures={answer.total} />
      <Scroll label="Phases of the jobs">
        <table class="phases">
          <thead>
            <tr>
              <th scope="col">Phase</th>
              <th scope="col" class="number">
                Share of time
              </th>
              <th scope="col" class="number">
                Average
              </th>
              <th scope="col" class="number">
                p95
              </th>
              <th scope="col" class="number">
                Longest
              </th>
              <th scope="col" class="number">
                Jobs
              </th>
            </tr>
          </thead>
          <tbody>
            {parts.map((one) => (
              <tr key={one.phase}>
                <th scope="row">
                  <span class={`swatch phase ${one.phase}`} /> {names[one.phase]}
                </th>
                <td class="number">{percent(one.share)}</td>
                <td class="number">{duration(one.averageMs)}</td>
                <td class="number">{duration(one.p95Ms)}</td>
                <td class="number muted">{duration(one.maxMs)}</td>
                <td class="number muted">{count(one.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}
