import { Duration } from 'aws-cdk-lib'
import {
  ContainerDependencyCondition,
  ContainerImage,
  type FargateService,
  Secret,
} from 'aws-cdk-lib/aws-ecs'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import { images } from '../images.ts'
import { pack } from '../pack.ts'
import { filesOf, readRepository } from '../repository.ts'
import { addressOf, type Ground, openTask } from '../service.ts'

const memoryMiB = 4096
/** `nobody` of the image. */
const user = { uid: 65_534, gid: 65_534 }
const folder = '/etc/throughline'

/**
 * Reached at `/prometheus`, thirty days, on the file system: docs/decisions/0021-aws-storage.md says what that means.
 */
export const addPrometheus = (ground: Ground, token: ISecret): FargateService => {
  const task = openTask(ground, 'Prometheus', { cpu: 1024, memoryMiB })
  const image = ContainerImage.fromRegistry(images.prometheus)
  const files = task.container('files', {
    image,
    essential: false,
    // Only root may write into the new volume; this container ends before Prometheus starts, and Prometheus is
    // nobody.
    user: '0',
    entryPoint: ['/bin/sh', '-euc'],
    command: [
      [
        `cd ${folder}`,
        'echo "$FILES" | base64 -d | tar xz',
        'printf %s "$READ_TOKEN" > read-token',
        `chown ${user.uid}:${user.gid} read-token`,
        'chmod 0400 read-token',
      ].join('\n'),
    ],
    environment: { FILES: pack(prometheusFiles(ground)) },
    secrets: { READ_TOKEN: Secret.fromSecretsManager(token) },
  })
  const prometheus = task.container('prometheus', {
    image,
    user: `${user.uid}:${user.gid}`,
    command: [
      `--config.file=${folder}/prometheus.json`,
      '--storage.tsdb.path=/prometheus',
      '--storage.tsdb.retention.time=30d',
      // The file system has no end; the bill should.
      '--storage.tsdb.retention.size=200GB',
      '--web.enable-otlp-receiver',
      '--enable-feature=exemplar-storage',
      '--web.route-prefix=/prometheus',
      `--web.external-url=https://${ground.settings.host}/prometheus`,
    ],
    environment: { GOMEMLIMIT: `${Math.round(memoryMiB * 0.8)}MiB` },
    portMappings: [{ containerPort: 9090 }],
    // It closes its head block; on a network file system that takes a while. Two minutes are the most that Fargate
    // gives.
    stopTimeout: Duration.seconds(120),
  })
  prometheus.addContainerDependencies({ container: files, condition: ContainerDependencyCondition.SUCCESS })
  task.scratch('files', [
    [files, folder, false],
    [prometheus, folder, true],
  ])
  task.mount(prometheus, '/prometheus', ground.files.folder('PrometheusFolder', '/prometheus', user))
  // Its write-ahead log is read back before it answers.
  return task.run({ tasks: 1, single: true, grace: Duration.minutes(15) })
}

const prometheusFiles = (ground: Ground): Record<string, string> => ({
  'prometheus.json': JSON.stringify(configuration(ground)),
  'rules/storage.yaml': readRepository('deploy/aws/rules/storage.yaml'),
  ...Object.fromEntries(
    filesOf('deploy/prometheus', /\.yaml$/)
      .filter((path) => !path.includes('/'))
      .map((path) => [`rules/${path}`, readRepository(`deploy/prometheus/${path}`)]),
  ),
})

// JSON is a part of YAML. The names of the jobs, the translation and the promoted attributes are those that
// deploy/prometheus asks for.
const configuration = (ground: Ground): object => {
  const { settings } = ground
  return {
    global: { scrape_interval: '30s', evaluation_interval: '30s' },
    rule_files: [`${folder}/rules/*.yaml`],
    otlp: {
      translation_strategy: 'UnderscoreEscapingWithSuffixes',
      promote_resource_attributes: [
        'service.name',
        'service.namespace',
        'service.version',
        'service.instance.id',
        'deployment.environment.name',
      ],
    },
    storage: {
      // What the Collector's queue held while Prometheus was being replaced is older than what others wrote since.
      tsdb: { out_of_order_time_window: '30m' },
      exemplars: { max_exemplars: 100_000 },
    },
    ...(settings.alertmanager === undefined
      ? {}
      : { alerting: { alertmanagers: [{ static_configs: [{ targets: [settings.alertmanager] }] }] } }),
    scrape_configs: [
      { job_name: 'otelcol', static_configs: [{ targets: [addressOf(ground, 'Collector', 8888)] }] },
      {
        job_name: 'throughline-recorder',
        metrics_path: '/metrics/prometheus',
        authorization: { credentials_file: `${folder}/read-token` },
        // Each task has its own counters, and its own address behind the one name.
        dns_sd_configs: [
          { names: [addressOf(ground, 'Recorder', 4400).replace(/:\d+$/, '')], type: 'A', port: 4400 },
        ],
      },
      {
        job_name: 'prometheus',
        metrics_path: '/prometheus/metrics',
        static_configs: [{ targets: ['127.0.0.1:9090'] }],
      },
    ],
  }
}
