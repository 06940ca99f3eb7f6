import type { Word } from './command-line.js'

/** Flags of Node that take the next word. */
const WITH_VALUE =
  /^(?:-r|--require|--import|--loader|--experimental-loader|-C|--conditions|--env-file|--env-file-if-exists|--title|--stack-trace-limit|--watch-path)$/
const PRELOAD = /^(?:-r|--require|--import|--loader|--experimental-loader)(?:=(.+))?$/
const REQUIRES = /^(?:-r|--require)\b/

/** What Node loads before the program. */
export interface Preload {
  readonly kind: 'require' | 'import'
  readonly module: string
}

/** Arguments of Node (or of what hands them on to it) taken apart. */
export interface NodeArguments {
  readonly flags: readonly string[]
  /** In the order of the line; Node takes all `require` before all `import`. */
  readonly preloads: readonly Preload[]
  /** The last word that preloads something: whatever shall be loaded later goes behind it. */
  readonly lastPreload: Word | undefined
  /** The program's file; without one Node does something else than to run a service. */
  readonly script: Word | undefined
}

export function nodeArguments(args: readonly Word[]): NodeArguments {
  const flags: string[] = []
  const preloads: Preload[] = []
  let lastPreload: Word | undefined
  let script: Word | undefined
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as Word
    if (!word.text.startsWith('-')) {
      script = word
      break
    }
    flags.push(word.text)
    const value = WITH_VALUE.test(word.text) ? args[++at] : undefined
    const module = PRELOAD.exec(word.text)?.[1] ?? value?.text
    if (!PRELOAD.test(word.text) || module === undefined) continue
    preloads.push({ kind: REQUIRES.test(word.text) ? 'require' : 'import', module })
    lastPreload = value ?? word
  }
  return { flags, preloads, lastPreload, script }
}
