import { SecretValue, type Stack } from 'aws-cdk-lib'
import type { DatabaseInstance } from 'aws-cdk-lib/aws-rds'
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct, type IConstruct } from 'constructs'
import { databaseName } from './database.ts'
import { explain } from './explain.ts'

/** Where the container that prepares the database puts the certificates of RDS. */
export const databaseCa = '/run/throughline/rds.pem'

export type Secrets = {
  /** Role `ingest`. The Collector's own, so that it can be changed alone. */
  collectorToken: ISecret
  /** Role `ingest`. For services: the Collector asks for it, and the recorder when it is asked what has arrived. */
  servicesToken: ISecret
  /** The same as `OTEL_EXPORTER_OTLP_HEADERS` wants it. */
  servicesHeaders: ISecret
  /** Role `read`. */
  prometheusToken: ISecret
  /** Role `read`. For the console, and for scripts. */
  peopleToken: ISecret
  /** Passwords of the users of Postgres, as the container that prepares the database needs them. */
  writerPassword: ISecret
  ownerPassword: ISecret
  /** That of Grafana, which reads. */
  readerPassword: ISecret
  /** The first two in URLs, as the recorder needs them. */
  writerUrl: ISecret
  ownerUrl: ISecret
}

/**
 * Everything is made by Secrets Manager in the account: no value is in the template, in a parameter or on the machine
 * that deploys. What has to be a text around a random part (a token, a URL) is put together by CloudFormation from a
 * reference that it resolves itself.
 */
export const makeSecrets = (stack: Stack, database: DatabaseInstance): Secrets => {
  const scope = new Construct(stack, 'Secrets')
  const writerPassword = randomSecret(
    scope,
    'WriterPassword',
    'Password of the Postgres user throughline_recorder',
  )
  const ownerPassword = randomSecret(
    scope,
    'OwnerPassword',
    'Password of the Postgres user throughline_maintenance',
  )
  const readerPassword = randomSecret(
    scope,
    'ReaderPassword',
    'Password of the Postgres user throughline_dashboards',
  )
  const tokenText = (id: string, role: 'ingest' | 'read', whose: string): string =>
    `tl_${role}_${referenceTo(randomSecret(scope, `${id}Random`, `The random part of the token for ${whose}`))}`
  const token = (id: string, text: string): ISecret => composed(scope, id, `Token: ${id}`, text)
  const services = tokenText('Services', 'ingest', 'services')
  const url = (id: string, user: string, password: ISecret): ISecret =>
    composed(
      scope,
      id,
      `How the recorder reaches Postgres as ${user}`,
      `postgres://${user}:${referenceTo(password)}@${database.dbInstanceEndpointAddress}:${database.dbInstanceEndpointPort}/${databaseName}?sslmode=verify-full&sslrootcert=${databaseCa}`,
    )
  const secrets: Secrets = {
    collectorToken: token('CollectorToken', tokenText('Collector', 'ingest', 'the Collector')),
    servicesToken: token('ServicesToken', services),
    servicesHeaders: token('ServicesHeaders', `authorization=Bearer%20${services}`),
    prometheusToken: token('PrometheusToken', tokenText('Prometheus', 'read', 'Prometheus')),
    peopleToken: token('PeopleToken', tokenText('People', 'read', 'people')),
    writerPassword,
    ownerPassword,
    readerPassword,
    writerUrl: url('WriterUrl', 'throughline_recorder', writerPassword),
    ownerUrl: url('OwnerUrl', 'throughline_maintenance', ownerPassword),
  }
  explainSecrets(scope)
  return secrets
}

/** 43 letters and digits: 256 bits, and nothing that a URL or a shell could misread. */
export const randomSecret = (scope: Construct, id: string, description: string): Secret =>
  new Secret(scope, id, {
    description,
    generateSecretString: { passwordLength: 43, excludePunctuation: true },
  })

export const explainSecrets = (scope: IConstruct): void =>
  explain(scope, {
    SMG4: 'Not changed by a timer: whoever holds a token or a key has to be given the new one first. docs/guides/aws.md says how to change each.',
  })

const composed = (scope: Construct, id: string, description: string, text: string): Secret =>
  new Secret(scope, id, { description, secretStringValue: SecretValue.unsafePlainText(text) })

// `{{resolve:secretsmanager:…}}`: a reference, not the value.
const referenceTo = (secret: ISecret): string => secret.secretValue.unsafeUnwrap()
