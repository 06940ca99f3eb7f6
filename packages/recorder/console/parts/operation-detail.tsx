import type { OperationDetail as Detail, Operation } from '../../src/client.js'
import { decimal, duration, fullMoment } from '../format.js'
import { linkToId } from '../router.js'
import { useSession } from '../session.js'
import { useAnswer } from '../use-answer.js'
import { Copy } from './copy.js'
import { Outcome, Outside, operationLink, operationName } from './lists.js'
import { Failure } from './notice.js'
import { Text } from './scroll.js'

/** All that the row has; the stack comes when it is asked for, as it may be large. */
export const OperationDetail = ({ operation }: { operation: Operation }) => {
  const { prometheusUrl, seriesLink } = useSession()
  const answer = useAnswer(
    `detail ${operation.traceId} ${operation.spanId} ${operation.startedAt}`,
    (client, signal) =>
      client.operation(operation.traceId, operation.spanId, operation.startedAt, { signal }),
  )
  const one: Operation & Partial<Detail> = answer.data ?? operation
  const link = operationLink(one, new URLSearchParams())
  return (
    <aside class="detail card" aria-label="Operation">
      <h2>
        <a href={link}>{operationName(one)}</a>
      </h2>
      <p>
        <Outcome success={one.success} type={one.errorType} />{' '}
        <b class="number">{duration(one.durationMs)}</b>
      </p>
      {answer.error !== undefined && <Failure error={answer.error} stale={true} retry={answer.reload} />}
      {one.errorMessage !== null && <pre class="error">{one.errorMessage}</pre>}
      {one.errorStack !== null && one.errorStack !== undefined && (
        <details>
          <summary>Stack</summary>
          <Text label="Stack" text={one.errorStack} also="stack" />
        </details>
      )}
      {one.business.length > 0 && (
        <dl class="facts business">
          {one.business.map((entry, at) => (
            <div key={at}>
              <dt>{entry.name.replace(/^business\./, '')}</dt>
              <dd>
                <b class="number">
                  {decimal(entry.value)} {entry.labels.currency ?? ''}
                </b>
                <span class="muted small"> {labelsOf(entry.labels)}</span>
              </dd>
            </div>
          ))}
        </dl>
      )}
      <dl class="facts">
        <Fact
          name="Service"
          value={`${one.service}${one.serviceVersion === null ? '' : ` ${one.serviceVersion}`}`}
        />
        <Fact name="User" value={one.userId} href={one.userId === null ? undefined : linkToId(one.userId)} />
        <Fact name="Started" value={`${fullMoment(one.startedAt)}`} />
        <Fact name="In UTC" value={one.startedAt} />
        <Fact name="Recorded" value={one.recordedAt} />
        <Fact name="Trace" value={one.traceId} copy />
        <Fact name="Span" value={one.spanId} copy />
        <Fact name="Parent" value={one.parentSpanId} />
        <Fact name="Instance" value={one.instance ?? null} />
        <Fact name="Number" value={one.seq ?? null} />
      </dl>
      {one.metadata !== null && one.metadata !== undefined && (
        <>
          <h3>Metadata</h3>
          <Text label="Metadata" text={JSON.stringify(one.metadata, null, 2)} also="metadata" />
        </>
      )}
      <p class="links">
        {one.jaegerUrl !== null && <Outside href={one.jaegerUrl}>Trace in Jaeger</Outside>}
        {(prometheusUrl ?? seriesLink) !== null && (
          <Outside href={seriesUrl(prometheusUrl, seriesLink, one)}>Its series in Prometheus</Outside>
        )}
      </p>
    </aside>
  )
}

const Fact = ({
  name,
  value,
  href,
  copy = false,
}: {
  name: string
  value: string | null
  href?: string | undefined
  copy?: boolean
}) =>
  value === null ? null : (
    <div>
      <dt>{name}</dt>
      <dd>
        {href === undefined ? value : <a href={href}>{value}</a>}
        {copy && <Copy text={value} what={name} />}
      </dd>
    </div>
  )

const labelsOf = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .filter(([name]) => name !== 'currency')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')

/** The p95 of this operation around its time, in the graph of Prometheus. */
const seriesUrl = (
  base: string | null,
  template: string | null,
  { operationService, operation, startedAt }: Operation,
): string => {
  const series = `throughline_operation_duration_seconds_bucket{operation_service=${JSON.stringify(operationService)},operation_name=${JSON.stringify(operation)}}`
  const query = `histogram_quantile(0.95, sum by (le) (rate(${series}[5m])))`
  if (template !== null) return template.replaceAll('{query}', encodeURIComponent(query))
  const parameters = new URLSearchParams({
    'g0.expr': query,
    'g0.tab': '0',
    'g0.range_input': '1h',
    'g0.end_input': new Date(Date.parse(startedAt) + 1_800_000).toISOString().slice(0, 19).replace('T', ' '),
  })
  return `${(base ?? '').replace(/\/+$/, '')}/graph?${parameters}`
}
