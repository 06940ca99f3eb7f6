export { correlatedConsole } from './logs/console.js'
export { winstonFormat } from './logs/winston.js'
