import { readFileSync } from 'node:fs'
import { Duration } from 'aws-cdk-lib'
import { Repository } from 'aws-cdk-lib/aws-ecr'
import { Platform } from 'aws-cdk-lib/aws-ecr-assets'
import {
  ContainerDependencyCondition,
  ContainerImage,
  type FargateService,
  Secret,
} from 'aws-cdk-lib/aws-ecs'
import type { DatabaseInstance } from 'aws-cdk-lib/aws-rds'
import { databaseName } from '../database.ts'
import { explain, explainBraces } from '../explain.ts'
import { readRepository, repositoryRoot } from '../repository.ts'
import { databaseCa, type Secrets } from '../secrets.ts'
import { addressOf, type Ground, openTask } from '../service.ts'

const memoryMiB = 1024
const runFolder = '/run/throughline'
const modelFile = `${runFolder}/value.yaml`

/**
 * Several tasks may run: what each one stores, it stores once. Before each, a container prepares the database, with
 * rights that the recorder does not have.
 */
export const addRecorder = (ground: Ground, database: DatabaseInstance, secrets: Secrets): FargateService => {
  const { settings } = ground
  const task = openTask(ground, 'Recorder', { cpu: 512, memoryMiB })
  const image = recorderImage(ground)
  const admin = database.secret
  if (admin === undefined) throw new Error('RDS manages the password of the first user, and says where')
  const model = settings.valueModel === undefined ? undefined : readFileSync(settings.valueModel, 'utf8')

  const prepare = task.container('prepare', {
    image,
    essential: false,
    // Only root may write into the new volume; the recorder reads it.
    user: '0',
    workingDirectory: '/app',
    entryPoint: ['node'],
    command: ['--input-type=module', '--eval', readRepository('deploy/aws/runtime/prepare-database.mjs')],
    environment: {
      NODE_OPTIONS: '',
      CA_URL: `https://truststore.pki.rds.amazonaws.com/${settings.region}/${settings.region}-bundle.pem`,
      CA_FILE: databaseCa,
      DATABASE: `postgres://${database.dbInstanceEndpointAddress}:${database.dbInstanceEndpointPort}/${databaseName}?sslmode=verify-full&sslrootcert=${databaseCa}`,
      ...(model === undefined ? {} : { VALUE_MODEL: model, VALUE_MODEL_FILE: modelFile }),
    },
    secrets: {
      ADMIN_NAME: Secret.fromSecretsManager(admin, 'username'),
      ADMIN_PASSWORD: Secret.fromSecretsManager(admin, 'password'),
      WRITER_PASSWORD: Secret.fromSecretsManager(secrets.writerPassword),
      OWNER_PASSWORD: Secret.fromSecretsManager(secrets.ownerPassword),
      READER_PASSWORD: Secret.fromSecretsManager(secrets.readerPassword),
      COLLECTOR_TOKEN: Secret.fromSecretsManager(secrets.collectorToken),
      SERVICES_TOKEN: Secret.fromSecretsManager(secrets.servicesToken),
      PROMETHEUS_TOKEN: Secret.fromSecretsManager(secrets.prometheusToken),
      PEOPLE_TOKEN: Secret.fromSecretsManager(secrets.peopleToken),
    },
  })
  const recorder = task.container('recorder', {
    image,
    environment: {
      THROUGHLINE_RECORDER_HOST: '0.0.0.0',
      THROUGHLINE_RECORDER_RETENTION_DAYS: String(settings.recordDays),
      THROUGHLINE_RECORDER_OTLP_URL: `http://${addressOf(ground, 'Collector', 4320)}`,
      THROUGHLINE_RECORDER_COLLECTOR_URL: `http://${addressOf(ground, 'Collector', 8888)}/metrics`,
      THROUGHLINE_RECORDER_JAEGER_URL: `http://${addressOf(ground, 'Jaeger', 16_686)}/jaeger`,
      THROUGHLINE_RECORDER_TRACE_LINK: `https://${settings.host}/jaeger/trace/{trace_id}`,
      ...prometheusPlaces(ground),
      ...(model === undefined ? {} : { THROUGHLINE_RECORDER_VALUE_MODEL: modelFile }),
    },
    secrets: {
      THROUGHLINE_DATABASE_URL: Secret.fromSecretsManager(secrets.writerUrl),
      THROUGHLINE_MAINTENANCE_URL: Secret.fromSecretsManager(secrets.ownerUrl),
    },
    portMappings: [{ containerPort: 4400 }],
    // It answers what it has taken, within five seconds.
    stopTimeout: Duration.seconds(30),
  })
  recorder.addContainerDependencies({ container: prepare, condition: ContainerDependencyCondition.SUCCESS })
  task.scratch('run', [
    [prepare, runFolder, false],
    [recorder, runFolder, true],
  ])
  explainBraces(task.definition)
  explain(task.definition, {
    'IAM5[Resource::*]': 'ecr:GetAuthorizationToken cannot be given for one registry.',
  })
  const service = task.run({ tasks: settings.recorderTasks, single: false, grace: Duration.minutes(5) })
  service.node.addDependency(database)
  return service
}

const prometheusPlaces = (ground: Ground): Record<string, string> =>
  ground.settings.profile === 'cloudwatch'
    ? {}
    : {
        THROUGHLINE_RECORDER_PROMETHEUS_URL: `http://${addressOf(ground, 'Prometheus', 9090)}/prometheus`,
        THROUGHLINE_RECORDER_SERIES_LINK: `https://${ground.settings.host}/prometheus/query?g0.expr={query}&g0.show_tree=0&g0.tab=graph&g0.range_input=1h`,
      }

/**
 * An image of ECR, with the right to pull it; of another registry; or this checkout's, which `cdk deploy` builds and
 * pushes.
 */
const recorderImage = ({ stack, settings }: Ground): ContainerImage => {
  const { recorderImage: given } = settings
  if (given === undefined)
    return ContainerImage.fromAsset(repositoryRoot, {
      file: 'deploy/docker/recorder.Dockerfile',
      platform: Platform.LINUX_AMD64,
      exclude: [
        '.git',
        '**/node_modules',
        '**/cdk.out',
        '**/dist',
        '**/*.tsbuildinfo',
        'docs',
        'tests',
        'benchmarks',
      ],
    })
  const ecr =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)(?::([^:@]+))?(?:@(.+))?$/.exec(
      given,
    )
  if (ecr === null) return ContainerImage.fromRegistry(given)
  const [, account, region, name, tag, digest] = ecr as unknown as [
    string,
    string,
    string,
    string,
    string?,
    string?,
  ]
  const repository = Repository.fromRepositoryAttributes(stack, 'RecorderRepository', {
    repositoryArn: stack.formatArn({
      service: 'ecr',
      account,
      region,
      resource: 'repository',
      resourceName: name,
    }),
    repositoryName: name,
  })
  return ContainerImage.fromEcrRepository(repository, digest ?? tag ?? 'latest')
}
