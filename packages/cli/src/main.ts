import { CliError } from './errors.js'
import { red } from './terminal/print.js'

type Command = {
  /** One line of the list of commands. */
  about: string
  /** Loaded on demand, so that no command waits for what only another one needs. */
  load: () => Promise<{ help: string; run: (args: string[]) => Promise<number> }>
}

const commands: Record<string, Command> = {
  init: {
    about: 'set an existing service up, and take it back',
    load: () => import('./commands/init.js').then(({ INIT_HELP, init }) => ({ help: INIT_HELP, run: init })),
  },
  dev: {
    about: 'run the whole pipeline on this machine',
    load: () => import('./commands/dev.js').then(({ DEV_HELP, dev }) => ({ help: DEV_HELP, run: dev })),
  },
  migrate: {
    about: 'bring the schema of a database to this version, or print it',
    load: () =>
      import('./commands/migrate.js').then(({ MIGRATE_HELP, migrate }) => ({
        help: MIGRATE_HELP,
        run: migrate,
      })),
  },
  token: {
    about: 'make, list and revoke the bearer tokens of the recorder',
    load: () =>
      import('./commands/token.js').then(({ TOKEN_HELP, token }) => ({ help: TOKEN_HELP, run: token })),
  },
  erase: {
    about: 'delete what is stored of one user',
    load: () =>
      import('./commands/erase.js').then(({ ERASE_HELP, erase }) => ({ help: ERASE_HELP, run: erase })),
  },
  'dead-letters': {
    about: 'records that could not become rows: list, show, retry',
    load: () =>
      import('./commands/dead-letters.js').then(({ DEAD_LETTERS_HELP, deadLetters }) => ({
        help: DEAD_LETTERS_HELP,
        run: deadLetters,
      })),
  },
  spool: {
    about: 'what waits in the folder of a service: inspect, drain',
    load: () =>
      import('./commands/spool.js').then(({ SPOOL_HELP, spool }) => ({ help: SPOOL_HELP, run: spool })),
  },
  doctor: {
    about: 'send one operation, follow it hop by hop, name what is wrong and the command that mends it',
    load: () =>
      import('./commands/doctor.js').then(({ DOCTOR_HELP, doctor }) => ({ help: DOCTOR_HELP, run: doctor })),
  },
  reconcile: {
    about: 'account for every record: stored, parked, waiting, refused',
    load: () =>
      import('./commands/reconcile.js').then(({ RECONCILE_HELP, reconcile }) => ({
        help: RECONCILE_HELP,
        run: reconcile,
      })),
  },
  'lint-collector': {
    about: 'what loses data or money in a configuration of the Collector',
    load: () =>
      import('./commands/lint-collector.js').then(({ LINT_COLLECTOR_HELP, lintCollectorFiles }) => ({
        help: LINT_COLLECTOR_HELP,
        run: lintCollectorFiles,
      })),
  },
  tail: {
    about: 'operations as they happen',
    load: () => import('./commands/tail.js').then(({ TAIL_HELP, tail }) => ({ help: TAIL_HELP, run: tail })),
  },
  show: {
    about: 'the whole story of one correlation ID',
    load: () => import('./commands/show.js').then(({ SHOW_HELP, show }) => ({ help: SHOW_HELP, run: show })),
  },
  compare: {
    about: 'did this deploy hurt? Two versions held against each other',
    load: () =>
      import('./commands/compare.js').then(({ COMPARE_HELP, compare }) => ({
        help: COMPARE_HELP,
        run: compare,
      })),
  },
  value: {
    about: 'what the operations are worth: check, explain, report, freeze',
    load: () =>
      import('./commands/value.js').then(({ VALUE_HELP, value }) => ({ help: VALUE_HELP, run: value })),
  },
  slo: {
    about: 'rules and a dashboard for the objectives of a value model',
    load: () => import('./commands/slo.js').then(({ SLO_HELP, slo }) => ({ help: SLO_HELP, run: slo })),
  },
}

const width = Math.max(...Object.keys(commands).map((name) => name.length))
const HELP = `throughline <command>

${Object.entries(commands)
  .map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`)
  .join('\n')}

throughline <command> --help says more.`

process.exitCode = await main(process.argv.slice(2))

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') return print(HELP)
  if (!Object.hasOwn(commands, name)) return fail(`There is no command ${name}.\n\n${HELP}`)
  const { help, run } = await commands[name]!.load()
  if (args.includes('--help') || args.includes('-h')) return print(help)
  try {
    return await run(args)
  } catch (error) {
    if (error instanceof CliError) return fail(error.message)
    // parseArgs: an option that there is not, or one without its value.
    if (error instanceof TypeError && 'code' in error) return fail(`${error.message}\n\n${help}`)
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
