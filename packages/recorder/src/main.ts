import { faultCode } from './errors.js'
import { optionsFromEnv } from './options.js'
import { createRecorder } from './recorder.js'

/**
 * The recorder as a process. Prints one JSON line when it listens. SIGTERM and SIGINT: what runs is finished, at most
 * five seconds, then exit code 0; a second signal ends it at once.
 */
const run = async (): Promise<void> => {
  const recorder = createRecorder(optionsFromEnv(process.env))
  const stop = (): void => {
    void recorder.close().then(() => process.exit(0))
  }
  // Before anybody can know that it listens: whoever reads the line may stop it at once.
  process.once('SIGTERM', stop).once('SIGINT', stop)
  const { url } = await recorder.listen()
  process.stdout.write(`${JSON.stringify({ event: 'listening', url, pid: process.pid })}\n`)
}

run().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${JSON.stringify({ level: 'error', kind: faultCode(error), message })}\n`)
  process.exit(1)
})
