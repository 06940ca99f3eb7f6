import { Duration } from 'aws-cdk-lib'
import {
  ContainerDependencyCondition,
  ContainerImage,
  type FargateService,
  Secret,
} from 'aws-cdk-lib/aws-ecs'
import type { DatabaseInstance } from 'aws-cdk-lib/aws-rds'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import { parse } from 'yaml'
import { databaseName } from '../database.ts'
import { images } from '../images.ts'
import { pack } from '../pack.ts'
import { filesOf, readRepository } from '../repository.ts'
import { explainSecrets, randomSecret } from '../secrets.ts'
import { addressOf, type Ground, openTask } from '../service.ts'

/** `grafana` of the image, in the group that its files belong to. */
const user = { uid: 472, gid: 0 }
const folder = '/var/lib/throughline'

/**
 * Reached at `/grafana`. Its first password is in Secrets Manager, as is the key that it encrypts its own database
 * with.
 */
export const addGrafana = (
  ground: Ground,
  database: DatabaseInstance,
  readerPassword: ISecret,
): { service: FargateService; password: ISecret } => {
  const { settings } = ground
  const task = openTask(ground, 'Grafana', { cpu: 512, memoryMiB: 1024 })
  const password = randomSecret(task.scope, 'Password', 'Password of the user admin of Grafana')
  const key = randomSecret(task.scope, 'Key', 'What Grafana encrypts secrets in its database with')
  explainSecrets(task.scope)
  const image = ContainerImage.fromRegistry(images.grafana)
  const files = task.container('files', {
    image,
    essential: false,
    user: '0',
    entryPoint: ['/bin/sh', '-euc'],
    command: [`cd ${folder}\necho "$FILES" | base64 -d | tar xz\nchmod 1777 /tmp`],
    environment: { FILES: pack(grafanaFiles(ground)) },
  })
  const grafana = task.container('grafana', {
    image,
    user: `${user.uid}:${user.gid}`,
    environment: {
      GF_SERVER_DOMAIN: settings.host,
      GF_SERVER_ROOT_URL: `https://${settings.host}/grafana/`,
      GF_SERVER_SERVE_FROM_SUB_PATH: 'true',
      GF_PATHS_DATA: '/var/lib/grafana',
      GF_PATHS_PROVISIONING: `${folder}/provisioning`,
      GF_LOG_MODE: 'console',
      GF_AUTH_ANONYMOUS_ENABLED: 'false',
      GF_USERS_ALLOW_SIGN_UP: 'false',
      GF_SECURITY_COOKIE_SECURE: 'true',
      GF_SECURITY_STRICT_TRANSPORT_SECURITY: 'true',
      GF_SECURITY_DISABLE_GRAVATAR: 'true',
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
      GF_PLUGINS_PREINSTALL_DISABLED: 'true',
      // Those of the provisioned data sources: deploy/grafana/README.md.
      THROUGHLINE_PROMETHEUS_URL: `http://${addressOf(ground, 'Prometheus', 9090)}/prometheus`,
      THROUGHLINE_JAEGER_URL: `http://${addressOf(ground, 'Jaeger', 16_686)}/jaeger`,
      THROUGHLINE_CONSOLE_URL: `https://${settings.host}`,
      THROUGHLINE_POSTGRES_HOST: `${database.dbInstanceEndpointAddress}:${database.dbInstanceEndpointPort}`,
      THROUGHLINE_POSTGRES_DATABASE: databaseName,
      THROUGHLINE_POSTGRES_USER: 'throughline_dashboards',
      THROUGHLINE_POSTGRES_SSLMODE: 'require',
    },
    secrets: {
      GF_SECURITY_ADMIN_PASSWORD: Secret.fromSecretsManager(password),
      GF_SECURITY_SECRET_KEY: Secret.fromSecretsManager(key),
      THROUGHLINE_POSTGRES_PASSWORD: Secret.fromSecretsManager(readerPassword),
    },
    portMappings: [{ containerPort: 3000 }],
    stopTimeout: Duration.seconds(30),
  })
  grafana.addContainerDependencies({ container: files, condition: ContainerDependencyCondition.SUCCESS })
  task.scratch('files', [
    [files, folder, false],
    [grafana, folder, true],
  ])
  task.scratch('tmp', [
    [files, '/tmp', false],
    [grafana, '/tmp', false],
  ])
  task.mount(grafana, '/var/lib/grafana', ground.files.folder('GrafanaFolder', '/grafana', user))
  // Its database is a file of SQLite.
  return { service: task.run({ tasks: 1, single: true, grace: Duration.minutes(5) }), password }
}

/** The provisioning and the dashboards of deploy/grafana, with this stack's address in their links. */
const grafanaFiles = (ground: Ground): Record<string, string> => {
  const files = filesOf('deploy/grafana', /\.(?:json|yaml)$/).filter((path) =>
    /^(?:dashboards|provisioning)\//.test(path),
  )
  return Object.fromEntries(
    files.map((path) => {
      const text = readRepository(`deploy/grafana/${path}`)
      return [
        path,
        path.startsWith('provisioning/dashboards/') ? fromFolder(text) : withAddress(text, ground),
      ]
    }),
  )
}

/** The file says where dashboards lie; here they lie beside it. */
const fromFolder = (text: string): string => {
  const provisioned = parse(text) as { providers: { options: { path: string } }[] }
  for (const { options } of provisioned.providers) options.path = `${folder}/dashboards`
  return JSON.stringify(provisioned)
}

const withAddress = (text: string, { settings }: Ground): string =>
  text.replaceAll('http://127.0.0.1:4400', `https://${settings.host}`)
