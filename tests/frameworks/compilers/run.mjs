// node run.mjs COMPILED: runs what a compiler made of a fixture and prints its lines.
import { pathToFileURL } from 'node:url'
import { record } from './record.mjs'

const { run } = await import(pathToFileURL(process.argv[2]).href)
process.stdout.write(`${(await record(run)).join('\n')}\n`)
