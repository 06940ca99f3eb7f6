import type { PerformanceAnswer } from '../../src/client.js'
import { count, duration, percent, plural } from '../format.js'

type Objective = PerformanceAnswer['objectives'][number]
type Goal = Objective['goals'][number]

/** What is promised of the operation, how it stands, and how much of its error budget is left. */
export const Objectives = ({ objectives }: { objectives: readonly Objective[] }) => (
  <>
    {objectives.map((one) => (
      <section key={one.name} class="card objective">
        <h2>
          Objective <span class="muted">{one.name.replaceAll('_', ' ')}</span>
        </h2>
        <p class="muted small">{aboutOf(one)}</p>
        <ul>
          {one.goals.map((goal) => (
            <GoalLine key={goal.kind} goal={goal} />
          ))}
        </ul>
      </section>
    ))}
  </>
)

const aboutOf = ({ about, window, service, leaveOut }: Objective): string =>
  [
    ...(about === null ? [] : [about]),
    `the last ${plural(window.days, 'day')}`,
    service === null ? 'all services' : service,
    ...(leaveOut.length === 0 ? [] : [`${leaveOut.join(', ')} left out`]),
  ].join(' · ')

const GoalLine = ({ goal }: { goal: Goal }) => (
  <li class={goal.met === false ? 'missed' : ''}>
    <span class="promise">
      {percent(goal.target)}{' '}
      {goal.withinMs === null ? 'succeed' : `take no longer than ${duration(goal.withinMs)}`}
    </span>
    {goal.met === null ? (
      <span class="tag">no operation yet</span>
    ) : (
      <span class={`tag ${goal.met ? 'good' : 'bad'}`}>{goal.met ? 'met' : 'missed'}</span>
    )}
    <b class="number">{percent(goal.reached)}</b>
    {goal.budgetLeft !== null && (
      <>
        <span class="budget">
          <span style={{ width: `${100 * Math.max(0, goal.budgetLeft)}%` }} />
        </span>
        <span class="muted small">{budgetText(goal, goal.budgetLeft)}</span>
      </>
    )}
  </li>
)

/** A whole number of operations may be missed; parts of one are none. */
const budgetText = (goal: Goal, left: number): string => {
  const of = `${count(goal.missed)} of ${count(Math.floor(goal.allowed + 1e-6))} that may ${goal.withinMs === null ? 'fail' : 'be slower'}`
  const budget =
    left < 0
      ? `error budget overdrawn: ${of}`
      : `${Math.floor(left * 100)} % of the error budget is left: ${of}`
  return goal.burnRate === null || goal.burnRate === 0
    ? budget
    : `${budget} · in the window above it goes at ${Number(goal.burnRate.toPrecision(2))} times the pace that lasts`
}
