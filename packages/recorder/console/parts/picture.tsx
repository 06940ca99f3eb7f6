import type { Hop } from '../../src/client.js'
import { count, plural } from '../format.js'
import { Time } from './figures.js'

const titles: Record<Hop['name'], string> = {
  services: 'Services',
  collector: 'Collector',
  recorder: 'Recorder',
  postgres: 'Postgres',
  rollups: 'Sums',
  jaeger: 'Jaeger',
  prometheus: 'Prometheus',
  cloudwatch: 'CloudWatch',
}

const words: Record<Hop['state'], string> = { ok: 'ok', warning: 'look', down: 'down', unknown: 'not known' }

// The way that no record may get lost on, and what hangs beside it.
const way: Hop['name'][] = ['services', 'collector', 'recorder', 'postgres', 'rollups']
const beside: Hop['name'][] = ['jaeger', 'prometheus', 'cloudwatch']

const singulars: Record<string, string> = {
  records: 'record',
  bytes: 'byte',
  marks: 'mark',
  'data points': 'data point',
  'copies of transactions': 'copy of a transaction',
}
const singular = (unit: string): string => singulars[unit] ?? unit

export const Picture = ({ hops }: { hops: readonly Hop[] }) => {
  const find = (names: Hop['name'][]): Hop[] =>
    names.flatMap((name) => hops.find((hop) => hop.name === name) ?? [])
  return (
    <div class="picture">
      <ol class="way" aria-label="The way of a record">
        {find(way).map((hop) => (
          <HopCard key={hop.name} hop={hop} />
        ))}
      </ol>
      <ul class="beside" aria-label="Beside it, from the Collector">
        {find(beside).map((hop) => (
          <HopCard key={hop.name} hop={hop} />
        ))}
      </ul>
    </div>
  )
}

const HopCard = ({ hop }: { hop: Hop }) => (
  <li class={`hop ${hop.state}`}>
    <h3>
      {titles[hop.name]} <span class="state">{words[hop.state]}</span>
    </h3>
    <p class="small">{hop.detail}</p>
    <dl>
      <div>
        <dt>waiting</dt>
        <dd class="number">
          {hop.backlog === null
            ? '–'
            : plural(hop.backlog.value, singular(hop.backlog.unit), hop.backlog.unit)}
        </dd>
      </div>
      <div>
        <dt>given up</dt>
        <dd class={`number ${hop.dropped !== null && hop.dropped > 0 ? 'worse' : ''}`}>
          {hop.dropped === null ? '–' : count(hop.dropped)}
        </dd>
      </div>
      <div>
        <dt>last success</dt>
        <dd>{hop.lastSuccess === null ? '–' : <Time at={hop.lastSuccess} relative />}</dd>
      </div>
    </dl>
  </li>
)
