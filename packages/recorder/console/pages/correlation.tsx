import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Operation, Story } from '../../src/client.js'
import { count, decimal, duration, plural } from '../format.js'
import { Copy } from '../parts/copy.js'
import { Time } from '../parts/figures.js'
import { BriefList, Outside } from '../parts/lists.js'
import { Cuts, Empty, Failure, Loading } from '../parts/notice.js'
import { OperationDetail } from '../parts/operation-detail.js'
import { type TreeRow, treeOf } from '../parts/tree.js'
import { Waterfall } from '../parts/waterfall.js'
import { linkTo, type Route } from '../router.js'
import { useAnswer } from '../use-answer.js'
import { type Found, useStory } from './use-story.js'

export const CorrelationPage = ({ route }: { route: Route }) =>
  route.id === undefined ? <Latest /> : <Looked id={route.id} />

/** No ID yet: the latest ones. */
const Latest = () => {
  const { data, error, loading, reload } = useAnswer(
    'latest',
    (client, signal) => client.operations({ hours: 24, limit: 30 }, { signal }),
    10_000,
  )
  return (
    <>
      <div class="head">
        <div>
          <h1>Correlation</h1>
          <p class="muted">Everything that one request caused, over all services. The latest of 24 hours:</p>
        </div>
      </div>
      {error !== undefined && <Failure error={error} stale={data !== undefined} retry={reload} />}
      {data === undefined ? (
        loading && <Loading rows={8} />
      ) : data.operations.length === 0 ? (
        <Empty title="No operation in the last 24 hours">
          <p>
            Paste an ID into the box above (the key <kbd>/</kbd> leads there): older ones are found for as
            long as their rows are kept. An answer of your service carries its ID in{' '}
            <code>x-correlation-id</code>.
          </p>
        </Empty>
      ) : (
        <section class="card">
          <BriefList operations={data.operations} by="time" />
        </section>
      )}
    </>
  )
}

const Looked = ({ id }: { id: string }) => {
  const [found, more] = useStory(id)
  return (
    <>
      <div class="head">
        <div>
          <p class="trail">
            <a href={linkTo('id')}>Correlation</a>
            {found.by !== 'correlation' && ` / found by ${found.by}`}
          </p>
          <h1 class="id">
            {found.id} <Copy text={found.id} what="ID" />
          </h1>
        </div>
      </div>
      {found.error !== undefined && (
        <Failure error={found.error} stale={found.operations.length > 0} retry={more} />
      )}
      <Result found={found} id={id} more={more} />
    </>
  )
}

const Result = ({ found, id, more }: { found: Found; id: string; more: () => void }) => {
  if (found.phase === 'asking') return found.error === undefined ? <Loading rows={8} /> : null
  if (found.phase === 'nothing')
    return (
      <Empty title="Nothing has this ID">
        <p>
          {id.length > 60 ? 'It' : <code>{id}</code>} is no correlation ID, trace ID or user of an operation
          that is stored. A record may still be on its way: <a href={linkTo('health')}>Health</a> shows what
          waits where. Rows beyond the retention are gone.
        </p>
      </Empty>
    )
  if (found.by === 'user')
    return (
      <section class="card">
        <h2>Latest operations of this user</h2>
        <BriefList operations={found.operations} by="time" />
      </section>
    )
  return found.story === undefined ? null : <StoryView story={found.story} found={found} more={more} />
}

const StoryView = ({ story, found, more }: { story: Story; found: Found; more: () => void }) => {
  const rows = useMemo(() => treeOf(found.operations, story.startedAt), [found.operations, story.startedAt])
  const [failedOnly, setFailedOnly] = useState(false)
  const [chosen, setChosen] = useState<Operation>()
  const shown = useMemo(
    () => (failedOnly ? rows.filter(({ operation }) => !operation.success) : rows),
    [rows, failedOnly],
  )
  const selected = shown.find(({ operation }) => operation === chosen)
  const firstFailure = rows.find(({ operation }) => !operation.success)
  useEffect(() => {
    setChosen((before) => before ?? (firstFailure ?? rows[0])?.operation)
  }, [rows, firstFailure])
  return (
    <>
      <Summary story={story} />
      <Cuts cuts={found.cuts} />
      <div class="filter">
        <label>
          <input type="checkbox" checked={failedOnly} onChange={() => setFailedOnly(!failedOnly)} /> Failures
          only ({count(story.failures)})
        </label>
        <span class="muted" role="status">
          {found.operations.length < story.count
            ? `${count(found.operations.length)} of ${count(story.count)} are here${found.phase === 'more' ? ', the others are coming' : ''}`
            : `all ${plural(story.count, 'operation')}`}
        </span>
        {found.phase === 'paused' && (
          <button type="button" onClick={more}>
            Load more
          </button>
        )}
      </div>
      <div class="story">
        {shown.length === 0 ? (
          <p class="muted calm">None of them failed.</p>
        ) : (
          <Waterfall
            rows={shown}
            story={story}
            selected={selected}
            select={(row: TreeRow) => setChosen(row.operation)}
          />
        )}
        {selected !== undefined && <OperationDetail operation={selected.operation} />}
      </div>
      <LogHint id={story.correlationId} />
    </>
  )
}

const Summary = ({ story }: { story: Story }) => (
  <dl class="tiles card summary">
    <div class="tile">
      <dt>Took</dt>
      <dd>
        <span class="big">{duration(story.durationMs)}</span>
        <span class="small muted">
          from <Time at={story.startedAt} />
        </span>
      </dd>
    </div>
    <div class={`tile ${story.failures > 0 ? 'bad' : ''}`}>
      <dt>Operations</dt>
      <dd>
        <span class="big">{count(story.count)}</span>
        <span class="small muted">
          {story.failures === 0 ? 'none failed' : `${count(story.failures)} failed`}
        </span>
      </dd>
    </div>
    <div class="tile">
      <dt>Services</dt>
      <dd>
        <span class="chips">
          {story.services.map((service, at) => (
            <span key={service} class="chip">
              <span class={`dot hue-${at % 8}`} />
              {service}
            </span>
          ))}
        </span>
        <span class="small muted name">
          {story.users.length > 0 && `user ${story.users.slice(0, 5).join(', ')}`}
        </span>
      </dd>
    </div>
    {story.business.slice(0, 4).map((sum) => (
      <div class="tile" key={`${sum.name} ${sum.currency}`}>
        <dt>{sum.name.replace(/^business\./, '')}</dt>
        <dd>
          <span class="big">
            {decimal(sum.total)} {sum.currency ?? ''}
          </span>
          <span class="small muted">{plural(sum.entries, 'entry', 'entries')}</span>
        </dd>
      </div>
    ))}
    {story.traces.some(({ jaegerUrl }) => jaegerUrl !== null) && (
      <div class="tile">
        <dt>{plural(story.traces.length, 'trace')}</dt>
        <dd class="links">
          {story.traces
            .slice(0, 3)
            .map(({ traceId, jaegerUrl }) =>
              jaegerUrl === null ? null : (
                <Outside key={traceId} href={jaegerUrl}>{`Jaeger ${traceId.slice(0, 8)}`}</Outside>
              ),
            )}
        </dd>
      </div>
    )}
  </dl>
)

/** Logs are where the services write them; the ID is in each line. */
const LogHint = ({ id }: { id: string }) => {
  const line = `grep -F '${id.replaceAll("'", "'\\''")}' your-service.log`
  return (
    <p class="muted small hint">
      Its log lines carry <code>correlation_id</code>: <code>{line}</code> <Copy text={line} what="command" />
    </p>
  )
}
