import { read } from '../workspace.js'

interface Command {
  name: string
  about: string
  path: string
  names: string[]
}

/** The commands of main.ts, each with the module that it loads. */
export const commands = new Map<string, Command>(
  [
    ...read('packages/cli/src/main.ts').matchAll(
      /^ {2}'?([a-z-]+)'?: \{\n {4}about: '([^']+)',\n[\s\S]*?import\('\.\/([^']+)\.js'\)\.then\(\(\{ ([^}]+) \}\)/gm,
    ),
  ].map(([, name = '', about = '', path, names = '']) => [
    name,
    { name, about, path: `../../../packages/cli/src/${path}.ts`, names: names.split(', ') },
  ]),
)

export interface Loaded {
  help: string
  run: (args: string[]) => Promise<number>
}

export async function load(name: string): Promise<Loaded> {
  const { path, names } = commands.get(name) as Command
  const loaded = (await import(path)) as Record<string, unknown>
  const isHelp = (one: string) => one.endsWith('_HELP')
  return {
    help: loaded[names.find(isHelp) as string] as string,
    run: loaded[names.find((one) => !isHelp(one)) as string] as Loaded['run'],
  }
}
