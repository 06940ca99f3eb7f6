// The code of the README.
import { containerFailure, dockerFailure, instrumentDocker } from '@throughline/instrumentation-docker'
import Docker from 'dockerode'

export const { docker, lastUsage, health, close } = instrumentDocker(new Docker())

export async function digest(file: string) {
  const failed = (during: 'create' | 'start' | 'wait') => (error: unknown) => {
    throw dockerFailure(error, during)
  }
  const container = await docker
    .createContainer({
      Image: 'busybox:1',
      Cmd: ['sha256sum', file],
      Labels: { 'throughline.job.type': 'digest' },
    })
    .catch(failed('create'))
  await container.start().catch(failed('start'))
  await container.wait().catch(failed('wait'))
  const failure = containerFailure(await container.inspect())
  if (failure !== undefined) throw failure
  return lastUsage(container.id)
}
