import type { Engine } from './engine.js'
import { PullFailed } from './errors.js'

/** Rejects with the class of the failure if the image is not there and, where pulling is allowed, cannot be pulled. */
export async function ensureImage(
  engine: Engine,
  image: string,
  pull: boolean,
  stop: AbortSignal,
): Promise<void> {
  const { docker } = engine
  const missing = await engine
    .patiently('pull', stop, () => engine.timed(docker.getImage(image).inspect()))
    .then(
      () => undefined,
      (failure: Error) => failure,
    )
  if (missing === undefined) return
  if (missing.name !== 'ImageNotFound' || !pull) throw missing
  await engine.patiently('pull', stop, async () => {
    const progress = await docker.pull(image, { abortSignal: stop })
    await new Promise<void>((resolve, reject) => {
      // What goes wrong after the first byte is a line of the progress.
      docker.modem.followProgress(progress, (error) => (error ? reject(pullFailure(error)) : resolve()))
    })
  })
}

/** One that says the image does not exist keeps its words, by which it gets its class. */
function pullFailure(error: Error): Error {
  return /not found|unknown|denied|no such image/i.test(error.message)
    ? error
    : new PullFailed(error.message, { cause: error })
}
