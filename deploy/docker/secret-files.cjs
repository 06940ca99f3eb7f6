// Preloaded in our images: a setting that is a secret is read from the file that `<NAME>_FILE` names, so that it stands neither in an
// image nor in what `docker inspect` shows. Only settings of ours.
const { readFileSync } = require('node:fs')

for (const [variable, file] of Object.entries(process.env)) {
  const name = /^((?:THROUGHLINE_\w+|DATABASE)_(?:URL|TOKEN))_FILE$/.exec(variable)?.[1]
  if (name === undefined || !file || process.env[name]) continue
  try {
    process.env[name] = readFileSync(file, 'utf8').trim()
  } catch (error) {
    process.stderr.write(`${variable}: ${error.message}\n`)
    process.exit(1)
  }
}
