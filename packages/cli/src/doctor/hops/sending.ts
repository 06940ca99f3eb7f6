import { otherwise } from '../ask.js'
import { type Examination, postOtlp } from '../examination.js'
import { failed, type Hop, type Outcome, ok, skipped } from '../hop.js'
import { measurementRequest, operationRequest } from '../synthetic.js'
import { sendsTo } from './stores.js'

/**
 * Sends one operation and two measurements. As a record only to a recorder that is known to keep it out of everything: else what waits in a
 * queue now would be a row, one day, of whoever reads it then.
 */
export function sendingHop(examination: Examination): Hop {
  return {
    name: 'operation',
    title: 'Sent',
    group: 'One operation and its measurements',
    needs: examination.targets.mode === 'direct' ? ['recorder'] : ['collector'],
    // What these counted before is compared with what they count afterwards.
    after: ['token', 'postgres', 'prometheus', 'cloudwatch'],
    deadlineMs: examination.timeoutMs * 3 + 500,
    run: () => send(examination),
  }
}

async function send(examination: Examination): Promise<Outcome> {
  const { targets, synthetic, learned, timeoutMs } = examination
  const as = learned.knowsSynthetic === true ? 'record' : 'picture'
  if (targets.mode === 'direct' && as === 'picture')
    return skipped('the recorder does not say that it knows synthetic operations')
  learned.sentAt = performance.now()
  const operation = await postOtlp(
    targets.tracesUrl,
    targets.tracesHeaders,
    operationRequest(synthetic, as),
    {
      timeoutMs,
    },
  )
  if (targets.mode === 'direct') return sentDirectly(operation)
  const mend = 'throughline doctor --json # hops collector and queues say more'
  if (operation.silence !== undefined || operation.status !== 200)
    return failed(`the operation is not taken: ${otherwise(operation)}`, mend)
  const kinds = ['operational', 'business'] as const
  for (const kind of sendsTo('prometheus', examination) || sendsTo('cloudwatch', examination) ? kinds : []) {
    const answer = await postOtlp(
      targets.metricsUrl,
      targets.metricsHeaders,
      measurementRequest(synthetic, kind),
      {
        timeoutMs,
      },
    )
    if (answer.silence !== undefined || answer.status !== 200)
      return failed(`the ${kind} measurement is not taken: ${otherwise(answer)}`, mend)
  }
  return ok(`as ${synthetic.id}${as === 'record' ? '' : ', for Jaeger alone: the recorder does not answer'}`)
}

/** To the recorder itself, which answers after the COMMIT. */
function sentDirectly(answer: Awaited<ReturnType<typeof postOtlp>>): Outcome {
  if (answer.silence === undefined && answer.status === 200)
    return ok('to the recorder, which has it in Postgres')
  if (answer.silence === undefined && (answer.status === 401 || answer.status === 503))
    return failed(
      `the recorder does not take it: ${otherwise(answer)}; the token of the service may not be valid`,
      'throughline token create --role ingest --name SERVICE # then THROUGHLINE_RECORDER_TOKEN of the service',
    )
  return failed(`the recorder does not take it: ${otherwise(answer)}`, 'throughline doctor --json')
}
