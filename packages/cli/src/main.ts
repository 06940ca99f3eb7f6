import { DEV_HELP, dev } from './commands/dev.js'
import { CliError } from './errors.js'
import { red } from './terminal/print.js'

const HELP = `throughline <command>

  dev     run the whole pipeline on this machine

throughline <command> --help says more.`

process.exitCode = await main(process.argv.slice(2))

async function main([command, ...args]: string[]): Promise<number> {
  if (command === undefined || command === '--help' || command === '-h') return print(HELP)
  if (command !== 'dev') return fail(`There is no command ${command}.\n\n${HELP}`)
  if (args.includes('--help') || args.includes('-h')) return print(DEV_HELP)
  try {
    return await dev(args)
  } catch (error) {
    if (error instanceof CliError) return fail(error.message)
    // parseArgs: an option that there is not, or one without its value.
    if (error instanceof TypeError && 'code' in error) return fail(`${error.message}\n\n${DEV_HELP}`)
    throw error
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

function fail(text: string): number {
  process.stderr.write(`${red(text)}\n`)
  return 1
}
