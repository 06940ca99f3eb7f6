import { Duration } from 'aws-cdk-lib'
import { ContainerImage, type FargateService, Secret } from 'aws-cdk-lib/aws-ecs'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { parse } from 'yaml'
import { explain, explainBraces } from '../explain.ts'
import { images } from '../images.ts'
import { compactYaml, readRepository } from '../repository.ts'
import type { Secrets } from '../secrets.ts'
import { addressOf, type Ground, openTask } from '../service.ts'
import type { Profile } from '../settings.ts'

const memoryMiB = 2048

/**
 * The configuration of otel-collector/, unchanged, and one file of this folder's on top. The image holds nothing but
 * the Collector, so the files are variables, which it reads as `env:NAME`.
 *
 * One task: its queues are files that one Collector has open. While it is being replaced, services keep what they
 * would send: the spool.
 */
export const addCollector = (ground: Ground, secrets: Secrets): FargateService => {
  const { settings } = ground
  const task = openTask(ground, 'Collector', { cpu: 1024, memoryMiB })
  const configuration = {
    COLLECTOR_BASE: compactYaml('otel-collector/base.yaml'),
    COLLECTOR_PROFILE: compactYaml(`otel-collector/profiles/${settings.profile}.yaml`),
    COLLECTOR_AWS: JSON.stringify(onAws(settings.profile)),
  }
  const container = task.container('collector', {
    image: ContainerImage.fromRegistry(images.collector),
    command: Object.keys(configuration).map((name) => `--config=env:${name}`),
    environment: {
      ...configuration,
      // The limiter refuses first, the garbage collector works harder before that.
      GOMEMLIMIT: `${Math.round(memoryMiB * 0.8)}MiB`,
      THROUGHLINE_COLLECTOR_MEMORY_MIB: String(Math.round(memoryMiB * 0.7)),
      THROUGHLINE_OTLP_HTTP: '0.0.0.0:4318',
      THROUGHLINE_COLLECTOR_HEALTH: '0.0.0.0:13133',
      THROUGHLINE_COLLECTOR_METRICS_HOST: '0.0.0.0',
      THROUGHLINE_RECORDER_URL: `http://${addressOf(ground, 'Recorder', 4400)}`,
      THROUGHLINE_JAEGER_OTLP: addressOf(ground, 'Jaeger', 4317),
      ...(settings.profile === 'cloudwatch'
        ? {}
        : { THROUGHLINE_PROMETHEUS_URL: `http://${addressOf(ground, 'Prometheus', 9090)}/prometheus` }),
      ...(settings.profile === 'prometheus'
        ? {}
        : {
            AWS_REGION: settings.region,
            THROUGHLINE_CLOUDWATCH_URL: `https://monitoring.${settings.region}.${ground.stack.urlSuffix}`,
          }),
    },
    secrets: {
      THROUGHLINE_INGEST_TOKEN: Secret.fromSecretsManager(secrets.collectorToken),
      CLIENT_TOKEN: Secret.fromSecretsManager(secrets.servicesToken),
    },
    portMappings: [
      { containerPort: 4318 },
      { containerPort: 4320 },
      { containerPort: 13133 },
      { containerPort: 8888 },
    ],
    stopTimeout: Duration.seconds(60),
  })
  task.mount(
    container,
    '/var/lib/throughline/collector',
    ground.files.folder('CollectorFolder', '/collector', { uid: 10_001, gid: 10_001 }),
  )
  if (settings.profile !== 'prometheus') {
    task.definition.addToTaskRolePolicy(
      new PolicyStatement({ sid: 'CloudWatchOtlp', actions: ['cloudwatch:PutMetricData'], resources: ['*'] }),
    )
    explain(task.definition.taskRole, {
      'IAM5[Resource::*]':
        'cloudwatch:PutMetricData knows no resources; the OTLP endpoint asks for this action and no other.',
    })
  }
  explainBraces(task.definition)
  return task.run({ tasks: 1, single: true })
}

type Files = { service: { extensions?: string[]; pipelines: { metrics?: { receivers: string[] } } } }

/** The file of this folder, and the two lists that it adds to. */
const onAws = (profile: Profile): object => {
  const read = (path: string): Files => parse(readRepository(path))
  const base = read('otel-collector/base.yaml').service
  const chosen = read(`otel-collector/profiles/${profile}.yaml`).service
  const extensions = chosen.extensions ?? base.extensions ?? []
  const receivers = chosen.pipelines.metrics?.receivers ?? []
  return {
    ...read('deploy/aws/config/collector.yaml'),
    service: {
      extensions: [...extensions, 'bearertokenauth/clients'],
      pipelines: { metrics: { receivers: [...receivers, 'otlp/inside'] } },
    },
  }
}
