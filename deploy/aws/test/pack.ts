import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pack } from '../src/pack.ts'

const busybox = '/bin/busybox'
const files = {
  'a.json': '{"ü": "€"}',
  'rules/b.yaml': 'x'.repeat(512),
  'rules/empty': '',
  'c/d/e': 'y'.repeat(70_000),
}

const unpacks = (path = process.env.PATH ?? ''): void => {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-pack-'))
  try {
    const env = { PATH: path, FILES: pack(files) }
    execFileSync('/bin/sh', ['-euc', 'echo "$FILES" | base64 -d | tar xz'], { cwd: folder, env })
    for (const [name, text] of Object.entries(files))
      assert.equal(readFileSync(join(folder, name), 'utf8'), text)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a shell unpacks what was packed, folders and all', () => {
  unpacks()
})

// The images of Prometheus and Grafana have no other.
test('so does busybox', { skip: !existsSync(busybox) && 'there is no /bin/busybox' }, () => {
  const programs = mkdtempSync(join(tmpdir(), 'throughline-busybox-'))
  try {
    for (const name of ['base64', 'tar', 'gunzip', 'gzip']) symlinkSync(busybox, join(programs, name))
    unpacks(programs)
  } finally {
    rmSync(programs, { recursive: true })
  }
})

test('the same files give the same text, in whatever order they come', () => {
  assert.equal(pack({ a: '1', b: '2' }), pack({ b: '2', a: '1' }))
})

test('a path that does not fit is refused', () => {
  assert.throws(() => pack({ ['x'.repeat(101)]: '' }), /more than 100 bytes/)
})
