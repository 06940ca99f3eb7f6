import { filesBelow, read } from '../workspace.js'

/** A fenced block of a document. */
export interface Block {
  page: string
  /** Of the first line of its code. */
  line: number
  language: string
  code: string
  /** What the reader does not see and a compiler needs, from comments `<!-- hidden … -->` before it. */
  hidden: string
  /** `<!-- continues -->` before it: it goes on where the last block of this language ended. */
  continues: boolean
}

/** Every Markdown file that is written by hand, or by a script for people to read. */
export const pages: string[] = filesBelow(
  '',
  (path) => path.endsWith('.md') && !/(?:^|\/)(?:fixtures|cdk\.out)\//.test(path),
)

export const blocksOf = (page: string): Block[] => blocksIn(page, read(page))

export const blocksIn = (page: string, text: string): Block[] => {
  const blocks: Block[] = []
  const lines = text.split('\n')
  let hidden = ''
  let continues = false
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] as string
    if (line.startsWith('<!-- hidden')) {
      const end = lines.indexOf('-->', at)
      hidden += `${lines.slice(at + 1, end).join('\n')}\n`
      at = end
      continue
    }
    if (line === '<!-- continues -->') continues = true
    const fence = /^( *)```(\S*)/.exec(line)
    if (fence === null) continue
    const [, indent = '', language = ''] = fence
    const end = lines.findIndex((one, index) => index > at && one.trimEnd() === `${indent}\`\`\``)
    const code = lines
      .slice(at + 1, end)
      .map((one) => `${one.startsWith(indent) ? one.slice(indent.length) : one}\n`)
      .join('')
    blocks.push({ page, line: at + 2, language, code, hidden, continues })
    hidden = ''
    continues = false
    at = end
  }
  return blocks
}

export const blocks: Block[] = pages.flatMap(blocksOf)

export const inLanguage = (...languages: string[]): Block[] =>
  blocks.filter(({ language }) => languages.includes(language))

export const placeOf = ({ page, line }: Block): string => `${page}:${line}`
