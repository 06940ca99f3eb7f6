import type { HealthAnswer } from '../../src/client.js'
import { ago, count, plural } from '../format.js'
import { DeadLetters } from '../parts/dead-letters.js'
import { Time } from '../parts/figures.js'
import { Cuts, Empty, Failure, Loading } from '../parts/notice.js'
import { Picture } from '../parts/picture.js'
import { Scroll } from '../parts/scroll.js'
import { useAnswer } from '../use-answer.js'

const words = {
  ok: 'Everything arrives',
  warning: 'Something needs a look',
  down: 'Something is down',
  unknown: 'Not everything can be seen from here',
} as const

export const HealthPage = () => {
  const { data, error, loading, at, reload } = useAnswer(
    'health',
    (client, signal) => client.health({ signal }),
    5_000,
  )
  return (
    <>
      <div class="head">
        <div>
          <h1>Health</h1>
          <p class="muted" role="status">
            {data === undefined ? 'Asking …' : words[data.state]}
            {at !== undefined && ` · read ${ago(at)}`}
          </p>
        </div>
      </div>
      {error !== undefined && <Failure error={error} stale={data !== undefined} retry={reload} />}
      {data === undefined ? loading && <Loading rows={6} /> : <Health health={data} reload={reload} />}
    </>
  )
}

const Health = ({ health, reload }: { health: HealthAnswer; reload: () => void }) => (
  <>
    <Cuts cuts={health.cuts} />
    <section class="card">
      <h2 class="unseen">The way of the records</h2>
      <Picture hops={health.hops} />
    </section>
    <section class="card">
      <h2>
        Reconcile <span class="muted">instances of the last 24 hours</span>
      </h2>
      <Instances health={health} />
    </section>
    <section class="card">
      <h2>
        Dead letters <span class="muted">{count(health.deadLetters.total)}</span>
      </h2>
      <DeadLetters about={health.deadLetters} changed={reload} />
    </section>
    <section class="card">
      <details>
        <summary>
          <h2>What this recorder counted since its start</h2>
        </summary>
        <dl class="facts counters">
          {Object.entries(health.counters).map(([name, value]) => (
            <div key={name}>
              <dt>{name.replace(/^throughline\.recorder\./, '')}</dt>
              <dd class="number">{count(value)}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  </>
)

const Instances = ({ health: { instances } }: { health: HealthAnswer }) => {
  if (instances.length === 0)
    return (
      <Empty title="No process has delivered in the last 24 hours">
        <p>
          A process that sends with the SDK numbers its records; here stands which of them are committed.
          Records of other senders have no numbers and are not counted here.
        </p>
      </Empty>
    )
  const missing = instances.reduce((sum, one) => sum + one.missing, 0)
  const delivered = instances.reduce((sum, one) => sum + one.delivered, 0)
  return (
    <>
      <p class={missing === 0 ? 'verdict good' : 'verdict worse'}>
        {missing === 0
          ? `Every number is committed: ${count(delivered)} of ${plural(instances.length, 'instance')}.`
          : `${plural(missing, 'number')} of ${count(delivered + missing)} ${missing === 1 ? 'is' : 'are'} not committed: on the way, or lost. “throughline reconcile” looks where.`}
      </p>
      <Scroll label="Instances">
        <table>
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col">Instance</th>
              <th scope="col">Host</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Committed
              </th>
              <th scope="col" class="number">
                Missing
              </th>
              <th scope="col" class="number">
                Came again
              </th>
              <th scope="col">Last</th>
            </tr>
          </thead>
          <tbody>
            {instances.map((one) => (
              <tr key={one.instance}>
                <th scope="row" class="name">
                  {one.service ?? 'unknown'}{' '}
                  {one.version !== null && <span class="muted small">{one.version}</span>}
                </th>
                <td>
                  <code title={one.instance}>{one.instance.slice(0, 8)}</code>
                </td>
                <td class="muted name">{one.host ?? '–'}</td>
                <td>
                  {one.stoppedAt === null
                    ? 'running, or killed'
                    : `stopped: ${one.stopReason ?? 'no reason'}`}
                </td>
                <td class="number">{count(one.delivered)}</td>
                <td class={`number ${one.missing > 0 ? 'worse' : ''}`}>{count(one.missing)}</td>
                <td class="number">{count(one.redelivered)}</td>
                <td>{one.lastDeliveredAt === null ? '–' : <Time at={one.lastDeliveredAt} relative />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}
