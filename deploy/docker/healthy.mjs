// healthy.mjs <url> [seconds]: exit code 0 if the address answers with 2xx; with seconds, as soon as it does within them.
const [url, seconds = '0'] = process.argv.slice(2)
const deadline = Date.now() + Number(seconds) * 1_000

for (;;) {
  const said = await fetch(url, { signal: AbortSignal.timeout(4_000) }).then(
    (answer) => (answer.ok ? undefined : `answers ${answer.status}`),
    (error) => error.cause?.message ?? error.message,
  )
  if (said === undefined) process.exit(0)
  if (Date.now() >= deadline) {
    process.stderr.write(`${url}: ${said}\n`)
    process.exit(1)
  }
  await new Promise((resolve) => setTimeout(resolve, 250))
}
