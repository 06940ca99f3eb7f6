/** One word of a command. `text` is what the program sees; the two places frame it in the script, quotes and all. */
export interface Word {
  readonly text: string
  readonly start: number
  readonly end: number
}

/**
 * The simple commands of a script in their order: what stands between `&&`, `||`, `;`, `|` and `&`, as words. Undefined for a script that
 * computes or groups commands, `$(…)`, backticks, parentheses: what runs there cannot be read off.
 */
export function simpleCommands(script: string): Word[][] | undefined {
  const commands: Word[][] = [[]]
  let at = 0
  while (at < script.length) {
    const char = script[at] as string
    if (/\s/.test(char)) at++
    else if (/[()`]/.test(char)) return undefined
    else if (/[;|&]/.test(char)) {
      commands.push([])
      at++
    } else if (/[<>]/.test(char)) at = redirection(script, at)
    else {
      const word = readWord(script, at)
      if (word === undefined) return undefined
      at = word.end
      // The number before a redirection, `2>file`, is a part of it.
      if (!(/^\d$/.test(word.text) && /[<>]/.test(script[at] ?? ''))) commands.at(-1)?.push(word)
    }
  }
  return commands.filter((words) => words.length > 0)
}

/** `> file`, `>>file`, `>&1`: where it ends. */
function redirection(script: string, from: number): number {
  return from + (/^[<>]+(?:&\d|\s*[^\s;|&]+)?/.exec(script.slice(from))?.[0].length ?? 1)
}

function readWord(script: string, start: number): Word | undefined {
  let text = ''
  let at = start
  let quote = ''
  for (; at < script.length; at++) {
    const char = script[at] as string
    if (char === '`' || (quote !== "'" && char === '$' && script[at + 1] === '(')) return undefined
    if (quote === '' && /[\s;|&<>()]/.test(char)) break
    if (char === quote) quote = ''
    else if (quote === '' && /['"]/.test(char)) quote = char
    else if (char === '\\' && quote !== "'" && /["'\\\s$]/.test(script[at + 1] ?? '')) text += script[++at]
    else text += char
  }
  return quote === '' ? { text, start, end: at } : undefined
}

/** A place of the script, and what shall stand there. */
export interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

export function spliced(script: string, splices: readonly Splice[]): string {
  const backwards = [...splices].sort((a, b) => b.start - a.start)
  return backwards.reduce(
    (text, { start, end, text: by }) => text.slice(0, start) + by + text.slice(end),
    script,
  )
}
