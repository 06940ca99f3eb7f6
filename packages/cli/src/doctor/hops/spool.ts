import { constants } from 'node:fs'
import { access, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { volatileSpool } from '@throughline/sdk/spool'
import { bytesText, comfortable, freeBytes, leastFree } from '../disk.js'
import { failed, type Hop, type Outcome, ok, warning } from '../hop.js'

/** What is written to see whether the disk takes it: more than an empty file, which needs no block. */
const trial = Buffer.alloc(64 * 1_024)
const mostFiles = 10_000

const elsewhere = 'export THROUGHLINE_SPOOL_DIR=/var/lib/throughline/spool # a folder on a disk with room'

/** The folder in which records wait for the Collector: it takes a file, and has room for more. */
export function spoolHop(folder: string, timeoutMs: number): Hop {
  return {
    name: 'spool',
    title: 'Spool',
    group: 'This project',
    deadlineMs: timeoutMs,
    run: () => examine(folder),
  }
}

async function examine(folder: string): Promise<Outcome> {
  // The SDK makes the folder; until it has, the disk is that of the nearest one there is.
  const there = await nearest(folder)
  if (!(await stat(there)).isDirectory()) return failed(`${there} is no folder`, elsewhere)
  const refusal = there === folder ? await refusalOfWrite(folder) : await refusalOfAccess(there)
  if (refusal === 'ENOSPC' || refusal === 'EDQUOT')
    return failed(`the disk of ${folder} is full (${refusal}): records stay in memory`, elsewhere)
  if (refusal !== undefined) return failed(`${there} cannot be written (${refusal})`, elsewhere)
  const free = (await freeBytes(there)) ?? 0
  const waits = there === folder ? await bytesOfSegments(folder) : 0
  const found = `${bytesText(free)} free at ${folder}${waits === 0 ? '' : `, its segments take ${bytesText(waits)}`}`
  if (free < leastFree) return failed(`${found}: the disk is nearly full`, elsewhere)
  const volatile = volatileSpool(there, 'process')
  if (volatile !== undefined) return warning(volatile, elsewhere)
  if (free < comfortable) return warning(`${found}: little for an outage`, elsewhere)
  return ok(found)
}

/** The folder, or the lowest that there is above it. */
async function nearest(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at))
    if ((await stat(at).catch(() => undefined)) !== undefined || dirname(at) === at) return at
}

async function refusalOfWrite(folder: string): Promise<string | undefined> {
  const path = join(folder, `.doctor-${process.pid}`)
  try {
    const file = await open(path, 'w', 0o600)
    try {
      await file.writeFile(trial)
      await file.sync()
    } finally {
      await file.close()
    }
    return undefined
  } catch (error) {
    return codeOf(error)
  } finally {
    await rm(path, { force: true }).catch(() => {})
  }
}

function refusalOfAccess(folder: string): Promise<string | undefined> {
  return access(folder, constants.W_OK).then(() => undefined, codeOf)
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}

async function bytesOfSegments(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  let total = 0
  for (const name of names.filter((one) => one.endsWith('.seg')).slice(0, mostFiles))
    total += (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0
  return total
}
