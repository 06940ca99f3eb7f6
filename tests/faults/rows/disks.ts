import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { mountingFails } from '../disk.js'
import type { Row, Scene } from '../row.js'

/** Disks that are full for a while. */
export const disks: readonly Row[] = [
  {
    id: 'disk-spool',
    title: 'disk full under the spool, the Collector away now and then',
    unavailable: mountingFails,
    world: { disks: { spool: 24 } },
    check: felt,
    async inject({ world, dice }) {
      const away = dice.next() < 0.5
      if (away) world.hops.ship.set({ kind: 'cut' })
      await world.disks.spool?.fill(dice.whole(0, 4_096))
      await delay(dice.whole(200, 800))
      await world.disks.spool?.free()
      world.hops.ship.heal()
      return away ? 'full, Collector away' : 'full'
    },
  },
  {
    id: 'disk-collector',
    title: 'disk full under the queue of the Collector, which is killed now and then',
    unavailable: mountingFails,
    world: { disks: { collector: 32 } },
    check: felt,
    async inject({ world, dice }) {
      const killed = dice.next() < 0.5
      world.hops.deliver.set({ kind: 'cut' })
      await world.disks.collector?.fill(dice.whole(0, 65_536))
      await delay(dice.whole(300, 900))
      if (killed) await world.collector.kill('SIGKILL')
      await world.disks.collector?.free()
      world.hops.deliver.heal()
      if (killed) await world.collector.start()
      return killed ? 'full, killed' : 'full'
    },
  },
  {
    id: 'disk-postgres',
    title: 'disk full under Postgres',
    unavailable: mountingFails,
    world: { disks: { postgres: 400 } },
    // Postgres makes room in pieces of half a megabyte: only many rows come to the end of one.
    rate: 1_000,
    check: felt,
    async inject({ world, dice }) {
      await world.disks.postgres?.fill()
      await delay(dice.whole(1_000, 2_000))
      await world.disks.postgres?.free()
      return 'full'
    },
  },
]

/** Whether anybody met the full disk: a fault that nobody felt shows nothing. */
async function felt({ world, fault, note }: Scene): Promise<void> {
  const folder = join(world.dir, 'logs')
  const files = (await readdir(folder)).map((name) => join(folder, name))
  let lines = 0
  for (const file of [...files, world.postgres.logFile ?? ''])
    lines += (await readFile(file, 'utf8')).match(/no space left|ENOSPC|bytes written/gi)?.length ?? 0
  if (lines === 0) fault('nobody felt the full disk')
  else note(`felt: ${lines} lines in the logs`)
}
