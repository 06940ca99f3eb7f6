import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Dice } from '../dice.js'
import type { Row, Scene } from '../row.js'
import { post } from '../sender.js'

interface Attack {
  readonly name: string
  /** Answers that are right; any other status fails the row. 0: the connection may be closed without one. */
  readonly answers: readonly number[]
  body(dice: Dice): string | Buffer
  readonly headers?: Record<string, string>
}

const PROTOBUF = { 'content-type': 'application/x-protobuf' }
const GZIP = { 'content-encoding': 'gzip' }

const field = (number: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(payload.length), payload])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}

/** A whole request in protobuf, by OTLP's numbers, which the fuzz then bends. */
function validRequest(dice: Dice): Buffer {
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => dice.whole(1, 255)))
  const time = (nanos: bigint) => {
    const fixed = Buffer.alloc(8)
    fixed.writeBigUInt64LE(nanos)
    return fixed
  }
  const start = BigInt(Date.now()) * 1_000_000n
  const attribute = field(
    9,
    Buffer.concat([field(1, Buffer.from('correlation.id')), field(2, field(1, Buffer.from('hostile')))]),
  )
  const span = Buffer.concat([
    field(1, bytes(16)),
    field(2, bytes(8)),
    field(5, Buffer.from('Hostile.step')),
    Buffer.from([0x39]),
    time(start),
    Buffer.from([0x41]),
    time(start + 1_000_000n),
    attribute,
  ])
  const scope = field(1, field(1, Buffer.from('throughline.operations')))
  return field(1, field(2, Buffer.concat([scope, field(2, span)])))
}

const ATTACKS: readonly Attack[] = [
  {
    name: 'truncated protobuf',
    answers: [400],
    headers: PROTOBUF,
    body: (dice) => {
      const whole = validRequest(dice)
      return whole.subarray(0, dice.whole(5, whole.length - 10))
    },
  },
  {
    name: 'mutated protobuf',
    // A changed byte may still be a valid request.
    answers: [200, 400],
    headers: PROTOBUF,
    body: (dice) => {
      const whole = validRequest(dice)
      for (let flips = dice.whole(1, 6); flips > 0; flips -= 1)
        whole[dice.whole(0, whole.length - 1)] = dice.whole(0, 255)
      return whole
    },
  },
  {
    name: 'length of 4 GiB',
    answers: [400],
    headers: PROTOBUF,
    body: () => Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0a, 0x00]),
  },
  {
    name: 'random bytes',
    answers: [200, 400],
    headers: PROTOBUF,
    body: (dice) => Buffer.from(Array.from({ length: dice.whole(10, 400) }, () => dice.whole(0, 255))),
  },
  { name: 'no JSON', answers: [400], body: () => '{"resourceSpans": [' },
  {
    name: 'JSON a thousand deep',
    answers: [200, 400, 413],
    body: () => {
      const deep = `${'{"arrayValue":{"values":['.repeat(1_000)}{"stringValue":"x"}${']}}'.repeat(1_000)}`
      return `{"resourceSpans":[{"resource":{"attributes":[{"key":"deep","value":${deep}}]},"scopeSpans":[]}]}`
    },
  },
  {
    name: 'gzip bomb',
    answers: [400, 413],
    headers: { ...PROTOBUF, ...GZIP },
    body: () => BOMB,
  },
  {
    name: 'broken gzip',
    answers: [400],
    headers: { ...PROTOBUF, ...GZIP },
    body: () => Buffer.from('no gzip at all'),
  },
  { name: 'unknown encoding', answers: [400, 415], headers: { 'content-encoding': 'br' }, body: () => '{}' },
  {
    name: 'unknown type',
    answers: [400, 415],
    headers: { 'content-type': 'text/plain' },
    body: () => 'hello',
  },
  // Beyond the limit of the one and of the other; it may be cut off before all of it is sent.
  {
    name: 'twenty megabytes',
    answers: [400, 413, 0],
    headers: PROTOBUF,
    body: () => Buffer.alloc(20 * 2 ** 20, 1),
  },
]

/** 256 MiB of zeros. */
const BOMB = gzipSync(Buffer.alloc(256 * 2 ** 20), { level: 9 })

export const hostile: readonly Row[] = [
  {
    id: 'hostile',
    title: 'hostile and fuzzed OTLP at the recorder and at the Collector, with tokens and without',
    pauseMs: 60,
    async prepare(scene) {
      pids.set(scene, [scene.world.recorder.pid, scene.world.collector.pid])
    },
    async inject(scene) {
      const { world, dice, fault } = scene
      const attack = scene.inTurn([...ATTACKS, 'a byte at a time', 'unknown token', 'no token'] as const)
      const recorder = world.stack.ports.recorder
      const bearer = { authorization: `Bearer ${world.stack.tokens.ingest}` }
      if (attack === 'a byte at a time') await slowUpload(recorder, world.stack.tokens.ingest)
      else if (attack === 'unknown token' || attack === 'no token') {
        const wrong = attack === 'no token' ? {} : { authorization: `Bearer tl_ingest_${'x'.repeat(43)}` }
        const answer = await post(recorder, validRequest(dice), { ...PROTOBUF, ...wrong })
        const right = attack === 'no token' ? 401 : 503
        if (answer.status !== right) fault(`${attack} was answered ${answer.status}, not ${right}`)
      } else {
        for (const [who, port, headers] of [
          ['recorder', recorder, bearer],
          ['Collector', world.stack.ports.otlpHttp, {}],
        ] as const) {
          const { status } = await post(port, attack.body(dice), { ...attack.headers, ...headers })
          // What the Collector answers is its own affair, as long as it lives.
          if (who === 'recorder' && !attack.answers.includes(status))
            fault(`${attack.name} was answered ${status} by the ${who}`)
        }
      }
      return typeof attack === 'string' ? attack : attack.name
    },
    async check(scene) {
      const [recorder, collector] = pids.get(scene) ?? []
      if (scene.world.recorder.pid !== recorder) scene.fault('the recorder has ended')
      if (scene.world.collector.pid !== collector) scene.fault('the Collector has ended')
    },
  },
]

const pids = new WeakMap<Scene, (number | undefined)[]>()

/** A request whose body comes by single bytes and never to its end. */
async function slowUpload(port: number, token: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\nauthorization: Bearer ${token}\r\ncontent-length: 100000\r\n\r\n`,
  )
  for (let sent = 0; sent < 5; sent += 1) {
    await delay(30)
    socket.write('\n')
  }
  socket.destroy()
}
