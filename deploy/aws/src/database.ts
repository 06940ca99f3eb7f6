import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib'
import { InstanceType, SecurityGroup } from 'aws-cdk-lib/aws-ec2'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import {
  Credentials,
  DatabaseInsightsMode,
  DatabaseInstance,
  DatabaseInstanceEngine,
  PostgresEngineVersion,
  StorageType,
} from 'aws-cdk-lib/aws-rds'
import { explain } from './explain.ts'
import type { Network } from './network.ts'
import type { Settings } from './settings.ts'

export const databaseName = 'throughline'

/**
 * Postgres 18, the newest major version that the CDK knows; the minor version is its own and goes up by itself. RDS
 * makes the password of its first user, keeps it in Secrets Manager and changes it every week; only the container
 * that prepares the database reads it.
 */
export const makeDatabase = (stack: Stack, settings: Settings, network: Network): DatabaseInstance => {
  const instanceIdentifier = `${settings.name}-records`
  const securityGroup = new SecurityGroup(stack, 'DatabaseAccess', {
    vpc: network.vpc,
    description: 'Database of Throughline',
    allowAllOutbound: false,
  })
  // RDS would make them by itself, and keep them for ever.
  const logs = ['postgresql', 'upgrade'].map(
    (name) =>
      new LogGroup(stack, `DatabaseLogs-${name}`, {
        logGroupName: `/aws/rds/instance/${instanceIdentifier}/${name}`,
        retention: settings.logDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
  )
  const database = new DatabaseInstance(stack, 'Database', {
    engine: DatabaseInstanceEngine.postgres({ version: PostgresEngineVersion.VER_18 }),
    instanceIdentifier,
    databaseName,
    instanceType: new InstanceType(settings.databaseClass),
    credentials: Credentials.fromUsername('throughline_admin'),
    manageMasterUserPassword: true,
    vpc: network.vpc,
    vpcSubnets: network.data,
    securityGroups: [securityGroup],
    publiclyAccessible: false,
    multiAz: settings.multiAz,
    storageType: StorageType.GP3,
    storageEncrypted: true,
    allocatedStorage: settings.databaseGiB,
    maxAllocatedStorage: settings.databaseMaxGiB,
    // Nobody gets in without TLS, whatever a client asks for.
    parameters: { 'rds.force_ssl': '1' },
    backupRetention: Duration.days(settings.backupDays),
    copyTagsToSnapshot: true,
    deleteAutomatedBackups: false,
    deletionProtection: true,
    removalPolicy: RemovalPolicy.SNAPSHOT,
    autoMinorVersionUpgrade: true,
    enablePerformanceInsights: true,
    databaseInsightsMode: DatabaseInsightsMode.STANDARD,
    cloudwatchLogsExports: ['postgresql', 'upgrade'],
  })
  database.node.addDependency(...logs)
  explain(database, {
    RDS11: 'Another port hides nothing: the security group lets in the recorder alone.',
  })
  return database
}
