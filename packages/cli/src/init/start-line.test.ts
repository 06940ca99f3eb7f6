import { describe, expect, test } from 'vitest'
import { type Surroundings, withStartLine } from './start-line.js'

const REGISTER = '--import @throughline/sdk/register'
const plain: Surroundings = {}

test.each([
  ['node server.js', `node ${REGISTER} server.js`],
  ['node .', `node ${REGISTER} .`],
  ['node --enable-source-maps dist/main', `node ${REGISTER} --enable-source-maps dist/main`],
  [
    'node --watch --env-file=.env src/app.js --port 80',
    `node ${REGISTER} --watch --env-file=.env src/app.js --port 80`,
  ],
  ['node --env-file .env app.js', `node ${REGISTER} --env-file .env app.js`],
  ['NODE_ENV=production node app.js', `NODE_ENV=production node ${REGISTER} app.js`],
  ['cross-env NODE_ENV=production node app.js', `cross-env NODE_ENV=production node ${REGISTER} app.js`],
  ['dotenv -e .env.local -- node app.js', `dotenv -e .env.local -- node ${REGISTER} app.js`],
  ['npm run build && node dist/app.js', `npm run build && node ${REGISTER} dist/app.js`],
  ['tsc; node dist/app.js > app.log 2>&1', `tsc; node ${REGISTER} dist/app.js > app.log 2>&1`],
  ['node app.js | pino-pretty', `node ${REGISTER} app.js | pino-pretty`],
  ['exec node app.js', `exec node ${REGISTER} app.js`],
  ['node "src/my app.js"', `node ${REGISTER} "src/my app.js"`],
])('Node: %s', (script, expected) => {
  expect(withStartLine(script, plain)).toEqual({ kind: 'changed', text: expected })
})

test.each([
  ['node --require ./tracing.js app.js', `node --require ./tracing.js ${REGISTER} app.js`],
  ['node -r dotenv/config -r ./otel.js app.js', `node -r dotenv/config -r ./otel.js ${REGISTER} app.js`],
  ['node --import ./instrument.mjs app.js', `node --import ./instrument.mjs ${REGISTER} app.js`],
  [
    'node --import=dd-trace/initialize.mjs app.js',
    `node --import=dd-trace/initialize.mjs ${REGISTER} app.js`,
  ],
  ['node --import tsx --watch src/main.ts', `node --import tsx ${REGISTER} --watch src/main.ts`],
])('what is preloaded stays before ours: %s', (script, expected) => {
  expect(withStartLine(script, plain)).toEqual({ kind: 'changed', text: expected })
})

const TSX = '--import=@throughline/sdk/register'

test.each([
  ['tsx src/main.ts', `tsx ${TSX} src/main.ts`],
  ['tsx watch --clear-screen=false src/main.ts', `tsx watch ${TSX} --clear-screen=false src/main.ts`],
  ['nodemon', `nodemon --exec "node ${REGISTER}" .`],
  ['nodemon -w src', `nodemon --exec "node ${REGISTER}" -w src .`],
  ['nodemon --inspect app.js', `nodemon --exec "node ${REGISTER}" --inspect app.js`],
  [
    "nodemon --exec 'node -r dotenv/config app.js'",
    `nodemon --exec 'node -r dotenv/config ${REGISTER} app.js'`,
  ],
  ['nest start', `nest start --exec "node ${REGISTER}"`],
  ['nest start --debug --watch', `nest start --exec "node ${REGISTER}" --debug --watch`],
  [
    'nest start --exec "node -r ./otel.js" --watch',
    `nest start --exec "node -r ./otel.js ${REGISTER}" --watch`,
  ],
  [
    'concurrently "tsc -w" "node --watch dist/app.js"',
    `concurrently "tsc -w" "node ${REGISTER} --watch dist/app.js"`,
  ],
  ['tsc-watch --onSuccess "node dist/app.js"', `tsc-watch --onSuccess "node ${REGISTER} dist/app.js"`],
])('each program in its own way: %s', (script, expected) => {
  expect(withStartLine(script, plain)).toEqual({ kind: 'changed', text: expected })
})

test.each([
  'tsc -p .',
  'npm run build',
  'npm run start:prod',
  'docker compose up -d',
  'node --test',
  'node --run build',
  'node --check app.js',
  'nest build',
  'nest',
  'tsx',
  'bun run build',
  'pm2 logs',
  'vite',
  '',
])('nothing of ours belongs into: %s', (script) => {
  expect(withStartLine(script, plain)).toEqual({ kind: 'none' })
})

test('a script that starts with our SDK stays as it is', () => {
  for (const script of ['node app.js', 'tsx a.ts', 'nest start', 'nodemon app.js']) {
    const once = withStartLine(script, plain)
    expect(once.kind).toBe('changed')
    expect(withStartLine((once as { text: string }).text, plain)).toEqual({ kind: 'already' })
  }
})

describe('what a person has to do is said with the reason and the mend', () => {
  test.each([
    ['node $(cat entry)', plain, /computes/],
    ['(cd api && node app.js)', plain, /computes or groups/],
    ['node -e "require(\'./app\')"', plain, /as text/],
    ['ts-node src/main.ts', plain, /hooks into require/],
    ['nodemon -w src -e ts,json src/main.ts', plain, /ts-node hooks/],
    ['nodemon -x "ts-node -T src/main.ts"', plain, /ts-node hooks/],
    ['node -r ts-node/register src/main.ts', plain, /ts-node\/register hooks/],
    ['node -r @swc-node/register src/main.ts', plain, /@swc-node\/register hooks/],
    ['ts-node-dev --respawn src/main.ts', plain, /its own way/],
    ['pm2-runtime start app.js', plain, /its own way/],
    ['fastify start -l info app.js', plain, /its own way/],
    ['bun src/main.ts', plain, /runs on bun/],
    ['deno run main.ts', plain, /runs on deno/],
    ['nodemon --import ./otel.mjs app.js', plain, /preloads/],
    ['nodemon app.js', { nodemonConfig: 'nodemon.json' }, /nodemon\.json/],
    ['nest start --no-shell', plain, /shell/],
    ['nest start --exec "bun"', plain, /bun/],
    ['concurrently "tsc -w" "nodemon app.js"', plain, /quotes/],
  ] as const)('%s', (script, around, why) => {
    const found = withStartLine(script, around)
    expect(found).toMatchObject({ kind: 'by hand', why: expect.stringMatching(why) })
    expect((found as { mend: string }).mend).not.toBe('')
  })
})
