const color = process.stdout.isTTY && process.env.NO_COLOR === undefined

function paint(code: number, text: string): string {
  return color ? `\u001b[${code}m${text}\u001b[0m` : text
}

export const bold = (text: string): string => paint(1, text)
export const dim = (text: string): string => paint(2, text)
export const green = (text: string): string => paint(32, text)
export const red = (text: string): string => paint(31, text)

export function say(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** Two columns and a mark, as wide as the terminal allows. */
export function table(title: string, lines: readonly { label: string; value: string; ok?: boolean }[]): void {
  const width = Math.max(...lines.map((line) => line.label.length))
  say(bold(title))
  for (const { label, value, ok } of lines) {
    const mark = ok === undefined ? ' ' : ok ? green('✔') : red('✘')
    say(`  ${mark} ${label.padEnd(width)}  ${value}`)
  }
  say()
}
