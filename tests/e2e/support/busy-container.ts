import { until } from '@throughline/cli'
import type { LocalEngine } from '../../../examples/container-jobs/src/demo/local-engine.js'

interface Busy {
  docker: LocalEngine['docker']
  image: string
  network: string
  /** The sum of a query's answers. */
  value(promql: string): Promise<number | undefined>
}

/**
 * A container that feels its limits, with some traffic and some work on the disk, until that is seen in the metrics.
 * Resolves with whether the engine tells of block devices.
 */
export async function workBusily({ docker, image, network, value }: Busy): Promise<boolean> {
  const busy = await docker.createContainer({
    Image: image,
    Cmd: [
      'sh',
      '-c',
      'dd if=/dev/zero of=/disk bs=1M count=8 oflag=direct; ping -c 9 -W 1 10.0.0.1 & while :; do :; done',
    ],
    Labels: { 'throughline.job.type': 'busy' },
    HostConfig: { NanoCpus: 200_000_000, Memory: 64 << 20, NetworkMode: network },
  })
  await busy.start()
  await until(async () => ((await value('container_cpu_usage_seconds_total{job_type="busy"}')) ?? 0) > 0, {
    what: 'its CPU time',
  })
  const stats = await busy.stats({ stream: false })
  // Some kernels do not account the block devices of virtual machines; then the engine has nothing to tell either.
  const blockIo = (stats.blkio_stats?.io_service_bytes_recursive ?? []).length > 0
  await until(async () => ((await value('container_network_io_bytes_total{job_type="busy"}')) ?? 0) > 0, {
    what: 'its network traffic',
  })
  await busy.remove({ force: true })
  return blockIo
}
