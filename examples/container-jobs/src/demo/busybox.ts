import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type Docker from 'dockerode'

export const IMAGE = 'throughline/busybox:local'

/** What keeps the demonstration from running, and how to get it. */
export class Missing extends Error {
  override readonly name = 'Missing'
}

/**
 * Makes an image of the machine's own busybox: a root file system of one static program and its names, so no registry is asked.
 * @throws Missing without a static busybox
 */
export async function importBusybox(docker: Docker): Promise<void> {
  const busybox = [...(process.env.PATH ?? '').split(delimiter), '/bin', '/usr/bin']
    .map((folder) => join(folder, 'busybox'))
    .find((path) => existsSync(path))
  if (busybox === undefined)
    throw new Missing(
      'There is no busybox to put into containers. Debian has it as: apt-get install busybox-static',
    )
  const root = await mkdtemp(join(tmpdir(), 'throughline-rootfs-'))
  try {
    for (const folder of ['bin', 'tmp', 'etc']) mkdirSync(join(root, folder))
    await copyFile(busybox, join(root, 'bin/busybox'))
    for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n'))
      if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name))
    const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [repo, tag] = IMAGE.split(':')
    const progress = await docker.importImage(tar.stdout, { repo, tag })
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve()))
    })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
  await tryIt(docker)
}

/** A busybox that needs the libraries of its machine does not start without them. */
async function tryIt(docker: Docker): Promise<void> {
  const container = await docker.createContainer({
    Image: IMAGE,
    Cmd: ['true'],
    HostConfig: { NetworkMode: 'none' },
  })
  try {
    await container.start()
    const { StatusCode } = (await container.wait()) as { StatusCode: number }
    if (StatusCode !== 0) throw new Error(`exit code ${StatusCode}`)
  } catch (error) {
    throw new Missing(
      `The busybox of this machine does not run in a container (${(error as Error).message.trim()}). If it is not static, Debian has one that is: apt-get install busybox-static`,
    )
  } finally {
    await container.remove({ force: true })
  }
}
