import { type CloudWatch, startCloudWatch } from '../cloudwatch/server.js'
import { CliError } from '../errors.js'
import type { Part } from './part.js'

/** The CloudWatch stand-in as a part. It lives inside this process, so it has no pid and cannot be stopped in mid-work. */
export function cloudWatchPart(port: number, beforeStart: () => Promise<void>): Part {
  let current: CloudWatch | undefined
  async function stop(): Promise<void> {
    const stopping = current
    current = undefined
    await stopping?.stop()
  }
  return {
    name: 'cloudwatch',
    url: `http://127.0.0.1:${port}`,
    pid: undefined,
    logFile: undefined,
    get running() {
      return current !== undefined
    },
    async start() {
      if (current) return
      await beforeStart()
      current = await startCloudWatch({ port })
    },
    stop,
    async kill(signal) {
      if (signal === 'SIGSTOP' || signal === 'SIGCONT')
        throw new CliError('TL_PART_STATE', `cloudwatch runs inside this process: ${signal} would stop us.`)
      await stop()
    },
  }
}
