import { basename } from 'node:path'
import { type Splice, simpleCommands, spliced, type Word } from './command-line.js'
import { nodeArguments } from './node-arguments.js'

const REGISTER = '@throughline/sdk/register'
const FLAG = `--import ${REGISTER}`

/** What becomes of one script. */
export type StartLine =
  | { readonly kind: 'changed'; readonly text: string }
  | { readonly kind: 'already' }
  /** It starts no program that we know to run on Node. */
  | { readonly kind: 'none' }
  | ByHand

export type ByHand = { readonly kind: 'by hand'; readonly why: string; readonly mend: string }

/** What of the project decides how a program is started. */
export interface Surroundings {
  /** The file that tells nodemon what to run: an `--exec` on the command line would overrule it. */
  readonly nodemonConfig?: string | undefined
}

type Found = Splice[] | { readonly kind: 'none' } | ByHand

const none = { kind: 'none' } as const
const byHand = (why: string, mend: string): ByHand => ({ kind: 'by hand', why, mend })
const insert = (after: Word, text: string): Splice[] => [
  { start: after.end, end: after.end, text: ` ${text}` },
]

/** Puts the SDK before the program that a script starts, after whatever is preloaded already. Everything else of the script stays. */
export function withStartLine(script: string, around: Surroundings): StartLine {
  if (script.includes(REGISTER)) return { kind: 'already' }
  const commands = simpleCommands(script)
  if (commands === undefined)
    return byHand(
      'it computes or groups what it runs',
      `start Node in it with ${FLAG}, before the file of the service`,
    )
  const splices: Splice[] = []
  for (const words of commands) {
    const found = inCommand(script, words, around)
    if (Array.isArray(found)) splices.push(...found)
    else if (found.kind === 'by hand') return found
  }
  return splices.length === 0 ? none : { kind: 'changed', text: spliced(script, splices) }
}

/** Programs that run the rest of their line. */
const WRAPPERS = new Set(['cross-env', 'env', 'exec', 'npx', 'time'])
/** Those that run what stands behind `--`. */
const DASHED = new Set(['dotenv', 'dotenvx', 'doppler', 'infisical', 'op'])
/** Those that run commands given as quoted words. */
const QUOTED = new Set(['concurrently', 'conc', 'tsc-watch', 'tsup'])

/** What a simple command runs, behind assignments and wrappers. */
export function programOf(
  words: readonly Word[],
): { name: string; word: Word; args: readonly Word[] } | undefined {
  const dashes = DASHED.has(words[0]?.text ?? '') ? words.findIndex(({ text }) => text === '--') : -1
  let at = dashes + 1
  while (at < words.length && (/^\w+=/.test(words[at]!.text) || WRAPPERS.has(words[at]!.text))) at++
  const word = words[at]
  return word && { name: basename(word.text).replace(/\.(?:exe|cmd)$/, ''), word, args: words.slice(at + 1) }
}

function inCommand(script: string, words: readonly Word[], around: Surroundings): Found {
  const program = programOf(words)
  if (program === undefined) return none
  const { name, word, args } = program
  if (name === 'node' || name === 'nodejs') return ofNode(word, args)
  if (name === 'tsx') return ofTsx(word, args)
  if (name === 'ts-node') return ofTsNode(args)
  if (name === 'nodemon') return ofNodemon(script, word, args, around)
  if (name === 'nest') return ofNest(script, args)
  if (QUOTED.has(name)) return inQuotes(script, args, around)
  return ofOthers(name, args)
}

function ofNode(node: Word, args: readonly Word[]): Found {
  const { flags, preloads, lastPreload, script } = nodeArguments(args)
  const hook = preloads.find(({ kind, module }) => kind === 'require' && REQUIRE_HOOK.test(module))
  if (hook !== undefined && script !== undefined) return pastTheHook(hook.module, script.text)
  if (flags.some((flag) => /^(?:-e|--eval|-p|--print)$/.test(flag)))
    return byHand('it gives Node a program as text', `add ${FLAG} after node if that program is the service`)
  // A test, a check, `node --run`: no service.
  if (script === undefined || flags.some((flag) => /^(?:--test|--run|-c|--check)(?:=|$)/.test(flag)))
    return none
  return insert(lastPreload ?? node, FLAG)
}

/** tsx hands the flags of Node on; with `=` it cannot take the module for its file. */
function ofTsx(tsx: Word, args: readonly Word[]): Found {
  const watch = args[0]?.text === 'watch' ? args[0] : undefined
  const { flags, lastPreload, script } = nodeArguments(watch ? args.slice(1) : args)
  if (script === undefined || flags.includes('--test')) return none
  return insert(lastPreload ?? watch ?? tsx, `--import=${REGISTER}`)
}

/**
 * Compilers that hook into `require`. With `--import` Node takes the first file by its loader of ES modules, past the hook: types are stripped,
 * and what that file imports without an ending is not found.
 */
const REQUIRE_HOOK = /^(?:ts-node|@swc-node|esbuild-register|@babel|sucrase|@esbuild-kit\/cjs-loader)(?:\/|$)/

const pastTheHook = (compiler: string, file: string): ByHand =>
  byHand(
    `${compiler} hooks into require, and with --import Node takes the first file past such hooks`,
    `tsx --import=${REGISTER} ${file}, or compile it and run what comes out with node ${FLAG}`,
  )

function ofTsNode(args: readonly Word[]): Found {
  const { script } = nodeArguments(args)
  return script === undefined ? none : pastTheHook('ts-node', script.text)
}

const NODEMON_WITH_VALUE =
  /^(?:-w|--watch|-i|--ignore|-e|--ext|-d|--delay|-s|--signal|-P|--polling-interval|--config|--cwd)$/

function ofNodemon(script: string, nodemon: Word, args: readonly Word[], around: Surroundings): Found {
  const given = wordAfter(args, /^(?:-x|--exec)$/)
  if (given !== undefined) return inWord(script, given, around)
  if (args.some(({ text }) => /^--import\b/.test(text)))
    return byHand(
      'nodemon preloads something by --import',
      `nodemon --exec "node <its preload> ${FLAG}" <file>`,
    )
  const runs = args.find(
    ({ text }, at) => !text.startsWith('-') && !NODEMON_WITH_VALUE.test(args[at - 1]?.text ?? ''),
  )
  if (around.nodemonConfig !== undefined)
    return byHand(
      `${around.nodemonConfig} says what nodemon runs`,
      `put ${FLAG} behind node in its "exec" or "execMap"`,
    )
  // By itself nodemon runs these with ts-node.
  if (/\.[cm]?tsx?$/.test(runs?.text ?? '')) return pastTheHook('ts-node', runs?.text ?? '')
  const exec = `--exec "node ${FLAG}"`
  if (runs !== undefined) return insert(nodemon, exec)
  // By itself nodemon runs what package.json calls main; with `--exec` it has to be told.
  const last = args.at(-1)
  return last === undefined ? insert(nodemon, `${exec} .`) : [...insert(nodemon, exec), ...insert(last, '.')]
}

/** `nest start` runs the binary of `--exec` through a shell, with the compiled file behind it. */
function ofNest(script: string, args: readonly Word[]): Found {
  const start = args[0]
  if (start?.text !== 'start') return none
  if (args.some(({ text }) => text === '--no-shell'))
    return byHand(
      'without a shell nest start takes a binary alone',
      `leave out --no-shell, and add --exec "node ${FLAG}"`,
    )
  const binary = wordAfter(args, /^(?:-e|--exec)$/)
  if (binary === undefined) return insert(start, `--exec "node ${FLAG}"`)
  const inner = simpleCommands(`${binary.text} main.js`)?.[0]
  const node = inner && programOf(inner)
  if (node === undefined || !/^node(?:js)?$/.test(node.name))
    return byHand(`nest start runs ${binary.text}`, `that it becomes node ${FLAG}, if it is a Node`)
  const found = ofNode(node.word, node.args)
  return Array.isArray(found) ? replaceWord(script, binary, spliced(binary.text, found)) : found
}

/** The word behind a flag. */
function wordAfter(args: readonly Word[], flag: RegExp): Word | undefined {
  const at = args.findIndex(({ text }) => flag.test(text))
  return at < 0 ? undefined : args[at + 1]
}

function inQuotes(script: string, args: readonly Word[], around: Surroundings): Found {
  const splices: Splice[] = []
  for (const word of args.filter(({ text }) => text.includes(' '))) {
    const found = inWord(script, word, around)
    if (Array.isArray(found)) splices.push(...found)
    else if (found.kind === 'by hand') return found
  }
  return splices.length === 0 ? none : splices
}

/** A word that is a command of its own. */
function inWord(script: string, word: Word, around: Surroundings): Found {
  const inner = withStartLine(word.text, around)
  if (inner.kind === 'by hand') return inner
  return inner.kind === 'changed' ? replaceWord(script, word, inner.text) : none
}

function replaceWord(script: string, { start, end }: Word, text: string): Found {
  const quote = script[start] as string
  if (!/['"]/.test(quote)) return [{ start, end, text: `"${text}"` }]
  if (text.includes(quote) || text.includes('\\'))
    return byHand('it quotes within quotes', `the command inside becomes: ${text}`)
  return [{ start, end, text: `${quote}${text}${quote}` }]
}

/** Known to start services on Node, each with a way of its own that we do not write for anybody. */
const OTHERS: Record<string, string> = {
  'ts-node-dev': `tsx watch --import=${REGISTER} <file>`,
  tsnd: `tsx watch --import=${REGISTER} <file>`,
  'ts-node-esm': `tsx --import=${REGISTER} <file>`,
  'swc-node': `tsx --import=${REGISTER} <file>`,
  'babel-node': `compile it, and run what comes out with node ${FLAG}`,
  pm2: `--node-args="${FLAG}"`,
  'pm2-runtime': `--node-args="${FLAG}"`,
  fastify: `NODE_OPTIONS="${FLAG}" for this process`,
  'vite-node': `NODE_OPTIONS="${FLAG}" for this process`,
  forever: `forever -c "node ${FLAG}" <file>`,
  bun: `start the service with Node: node ${FLAG} <file>`,
  deno: `start the service with Node: node ${FLAG} <file>`,
}

function ofOthers(name: string, args: readonly Word[]): Found {
  const mend = Object.hasOwn(OTHERS, name) ? OTHERS[name] : undefined
  if (mend === undefined) return none
  // `bun run build` is bun as a package manager, `fastify generate` and `pm2 logs` are no start.
  if (
    name === 'bun' &&
    /^(?:run|x|install|test|build)$/.test(args[0]?.text ?? '') &&
    !/\.[cm]?[jt]sx?$/.test(args[1]?.text ?? '')
  )
    return none
  if (/^(?:fastify|pm2)$/.test(name) && args[0]?.text !== 'start') return none
  return byHand(
    name === 'bun' || name === 'deno'
      ? `it runs on ${name}, and the SDK on Node alone`
      : `${name} starts Node its own way`,
    mend,
  )
}
