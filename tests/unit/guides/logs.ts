import { correlation } from '@throughline/core'
import { correlatedConsole, winstonFormat } from '@throughline/core/logs'

// pino
export const pinoOptions = { mixin: correlation.fields }

// winston: format.combine(withIds, format.json())
export const withIds = winstonFormat()

// anything that writes to a console
export const log = correlatedConsole()
