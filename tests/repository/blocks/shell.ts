/** One simple command of a shell text: its words without quotes, variables as they are written. */
export type Words = string[]

/**
 * The simple commands of a shell text, those inside of `$(…)` after the one that holds them. As much of the shell as documents use: quotes,
 * comments, continued lines, pipes, lists, redirections, here-documents.
 */
export const commandsOf = (text: string): Words[] => {
  const bare = text
    .replace(/<<-?\s*(['"]?)(\w+)\1([^\n]*)\n[\s\S]*?\n\s*\2(?=\n|$)/g, '$3')
    .replace(/\\\n\s*/g, ' ')
  const commands: Words[] = []
  const inner: string[] = []
  let words: Words = []
  let word: string | undefined
  const endWord = () => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  const endCommand = () => {
    endWord()
    if (words.length > 0) commands.push(words)
    words = []
  }
  for (let at = 0; at < bare.length; at += 1) {
    const character = bare[at] as string
    if (character === '$' && bare[at + 1] === '(') {
      const end = closing(bare, at + 1)
      inner.push(bare.slice(at + 2, end))
      word = `${word ?? ''}${bare.slice(at, end + 1)}`
      at = end
    } else if (character === "'" || character === '"') {
      const end = endOfQuote(bare, at)
      const quoted = bare.slice(at + 1, end)
      if (character === '"')
        for (const [, command] of quoted.matchAll(/\$\(([^()]*)\)/g)) inner.push(command as string)
      word = `${word ?? ''}${character === '"' ? quoted.replace(/\\(["\\$`])/g, '$1') : quoted}`
      at = end
    } else if (character === '#' && word === undefined) {
      const end = bare.indexOf('\n', at)
      at = (end < 0 ? bare.length : end) - 1
    } else if (/[\n;|&(){}]/.test(character) && !belongsTo(word, character)) endCommand()
    else if (/\s/.test(character)) endWord()
    else word = `${word ?? ''}${character}`
  }
  endCommand()
  return [...commands.map(withoutRedirections).filter((one) => one.length > 0), ...inner.flatMap(commandsOf)]
}

/** `2>&1` is one word, and so is `${NAME}`. */
const belongsTo = (word: string | undefined, character: string): boolean =>
  word !== undefined && (/[{}]/.test(character) || (character === '&' && word.endsWith('>')))

const endOfQuote = (text: string, from: number): number => {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\' && text[from] === '"') at += 1
    else if (text[at] === text[from]) return at
  }
  return text.length
}

const closing = (text: string, open: number): number => {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    if (text[at] === ')' && --depth === 0) return at
  }
  return text.length
}

const withoutRedirections = (words: Words): Words => {
  const kept: Words = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string
    if (/^\d?[<>]{1,2}$/.test(word)) at += 1
    else if (!/^\d?[<>]/.test(word)) kept.push(word)
  }
  return kept
}

/** The variables that stand before a command, and what is left. */
export const splitVariables = (words: Words): { variables: string[]; command: Words } => {
  const first = words.findIndex((word) => !/^\w+=/.test(word))
  const from = first < 0 ? words.length : first
  return { variables: words.slice(0, from), command: words.slice(from) }
}
