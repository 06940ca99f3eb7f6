import type { ChecksAnswer, SessionAnswer } from '@throughline/recorder/client'
import { ask, jsonOf, otherwise } from '../ask.js'
import { askRecorder, type Examination, logOr, type RecorderCounts } from '../examination.js'
import { failed, type Hop, notReached, type Outcome, ok } from '../hop.js'

const group = 'The recorder'

/** What a recorder that has the page answers: it wants a token, or it does not. */
const knowing: readonly number[] = [200, 401, 503]

/** The recorder, and whether this token may ask it. */
export function recorderHops(examination: Examination): Hop[] {
  const deadlineMs = examination.timeoutMs * 2 + 500
  return [
    { name: 'recorder', title: 'Recorder', group, deadlineMs, run: () => examineRecorder(examination) },
    {
      name: 'token',
      title: 'Token to read',
      group,
      needs: ['recorder'],
      deadlineMs: deadlineMs * 2,
      run: () => examineToken(examination),
    },
  ]
}

async function examineRecorder(examination: Examination): Promise<Outcome> {
  const { targets, timeoutMs, learned, synthetic } = examination
  const { recorderUrl } = targets
  const mend = 'export THROUGHLINE_RECORDER_URL=http://HOST:4400 # where your recorder listens'
  const health = await ask(`${recorderUrl}/healthz`, { timeoutMs })
  if (health.silence !== undefined)
    return failed(
      `${recorderUrl}: ${health.silence}`,
      targets.stack === undefined ? mend : logOr(targets, 'recorder', mend),
    )
  const said = jsonOf(health)
  if (typeof said?.status !== 'string' || (health.status !== 200 && health.status !== 503))
    return failed(`${recorderUrl} is no recorder: /healthz ${otherwise(health)}`, mend)
  learned.health = health.status === 200 ? 'ok' : String(said.reason ?? 'unavailable')
  // Without a token: to one that knows the question the answer is a refusal, to an older one there is no such page.
  const known = await ask(`${recorderUrl}/v1/synthetic?id=${synthetic.traceId}`, { timeoutMs })
  if (known.silence === undefined && known.status === 404)
    return failed(
      `${recorderUrl} is older than this command and would take a synthetic operation for a real one; none is sent`,
      'npm install @throughline/recorder@latest # and start it again',
    )
  learned.knowsSynthetic = known.silence === undefined && knowing.includes(known.status)
  return ok(`${recorderUrl} answers`)
}

async function examineToken(examination: Examination): Promise<Outcome> {
  const { targets, learned } = examination
  const mend =
    'throughline token create --role read --name doctor > read-token && throughline doctor --token-file read-token'
  const answer = await askRecorder(examination, '/v1/session')
  if (answer.silence !== undefined) return failed(answer.silence, mend)
  if (answer.status === 401)
    return failed(
      targets.readToken === undefined
        ? 'the recorder wants a token, and there is none'
        : 'the recorder does not know this token (401): revoked, expired, or of another database',
      mend,
    )
  if (answer.status === 403)
    return failed('this token may only send (role ingest); reading needs role read', mend)
  if (answer.status === 429)
    return failed(
      'too many wrong tokens came from this address: wait a minute',
      'sleep 60; throughline doctor',
    )
  if (answer.status === 503 && learned.health !== 'ok')
    return notReached('the recorder reads its tokens from Postgres, which it does not reach yet')
  const session = jsonOf(answer) as SessionAnswer | undefined
  if (answer.status !== 200 || session === undefined)
    return failed(`${targets.recorderUrl}/v1/session: ${otherwise(answer)}`, mend)
  learned.session = session
  await learnChecks(examination)
  learned.counters = await recorderCounts(examination)
  return ok(session.auth === 'off' ? 'none is asked for (auth is off)' : `role ${session.role}`)
}

async function learnChecks(examination: Examination): Promise<void> {
  const began = Date.now()
  const answer = await askRecorder(examination, '/v1/checks')
  if (answer.silence !== undefined || answer.status !== 200) return
  examination.learned.checks = jsonOf(answer) as ChecksAnswer | undefined
  const withinMs = answer.tookMs / 2
  examination.learned.askedAt = { ms: began + withinMs, withinMs }
}

/** Undefined while it does not answer. */
export async function recorderCounts(examination: Examination): Promise<RecorderCounts | undefined> {
  const status = jsonOf(await askRecorder(examination, '/v1/status'))
  if (status === undefined) return undefined
  const { counters, refusals } = status as Record<string, Record<string, number> | undefined>
  return {
    unknownBearers: counters?.['throughline.recorder.unknown_bearers'] ?? 0,
    withoutToken: refusals?.TL_TOKEN_MISSING ?? 0,
  }
}
