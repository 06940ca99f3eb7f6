import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { plural } from '../../terminal/plural.js'
import { type Copy, copiesOf, copyFor } from '../copies.js'
import { failed, type Hop, type Outcome, ok, skipped } from '../hop.js'
import { compareVersions } from '../versions.js'

const group = 'This project'
const sdk = '@throughline/sdk'
const api = '@opentelemetry/api'
/** What the SDK asks for as its peer. */
const leastApi = '1.10.0'
const beyondApi = '2.0.0'

/** What is installed in this folder: the SDK once, and an OpenTelemetry API that all copies can share. */
export function projectHops(folder: string, timeoutMs: number): Hop[] {
  return [
    {
      name: 'sdk',
      title: 'SDK',
      group,
      deadlineMs: timeoutMs * 2,
      run: (signal) => examineSdk(folder, signal),
    },
    {
      name: 'api',
      title: 'OpenTelemetry API',
      group,
      needs: ['sdk'],
      deadlineMs: timeoutMs * 2,
      run: (signal) => examineApi(folder, signal),
    },
  ]
}

async function examineSdk(folder: string, signal: AbortSignal): Promise<Outcome> {
  if (!existsSync(join(folder, 'package.json')))
    return skipped('no package.json in this folder; run it in the folder of your service, or with --project')
  const own = await copyFor(folder, sdk)
  if (own === undefined)
    return failed(`${sdk} is not installed here`, `npm install ${sdk} @throughline/core ${api}`)
  const copies = await copiesOf([sdk], folder, signal)
  if (copies.length > 1)
    return failed(
      `${plural(copies.length, 'copy', 'copies')}, each of which would start: ${listOf(copies, folder)}`,
      `npm dedupe ${sdk} # why there are two: npm ls ${sdk}`,
    )
  return ok(`${own.version}, one copy`)
}

/**
 * OpenTelemetry hands its parts over by one global, and a copy of the API gets them only from one that is as new as itself: of the same major
 * version, not older. So whatever is newer than the copy of the SDK records nothing, in silence.
 */
async function examineApi(folder: string, signal: AbortSignal): Promise<Outcome> {
  const ofSdk = await copyFor((await copyFor(folder, sdk))?.path ?? folder, api)
  if (ofSdk === undefined) return failed(`${api} is not installed beside the SDK`, `npm install ${api}`)
  if (compareVersions(ofSdk.version, leastApi) < 0 || compareVersions(ofSdk.version, beyondApi) >= 0)
    return failed(
      `${ofSdk.version}: the SDK needs ${leastApi} or later, below ${beyondApi}`,
      `npm install ${api}@^${leastApi}`,
    )
  const copies = await copiesOf([api], folder, signal)
  const newer = copies.filter(({ version }) => compareVersions(version, ofSdk.version) > 0)
  if (newer.length > 0)
    return failed(
      `the SDK has ${ofSdk.version}; what loads a newer copy records nothing: ${listOf(newer, folder)}`,
      `npm install ${api}@^${newer
        .map(({ version }) => version)
        .sort(compareVersions)
        .at(-1)} && npm dedupe ${api}`,
    )
  return ok(`${ofSdk.version}, ${copies.length > 1 ? `${copies.length} copies that agree` : 'one copy'}`)
}

function listOf(copies: readonly Copy[], folder: string): string {
  return copies.map(({ version, path }) => `${version} in ${relative(folder, path) || '.'}`).join(', ')
}
