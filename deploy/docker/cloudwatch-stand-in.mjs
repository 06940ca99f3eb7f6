// The stand-in for CloudWatch of `throughline dev` as a service of its own, at every address of its container.
import { startCloudWatch } from './node_modules/@throughline/cli/dist/cloudwatch/server.js'

const standIn = await startCloudWatch({ port: 4319, host: '0.0.0.0' })
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void standIn.stop())
