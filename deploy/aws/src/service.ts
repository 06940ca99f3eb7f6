import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib'
import { Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2'
import {
  AvailabilityZoneRebalancing,
  type ContainerDefinition,
  type ContainerDefinitionOptions,
  CpuArchitecture,
  FargatePlatformVersion,
  FargateService,
  FargateTaskDefinition,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs'
import type { AccessPoint } from 'aws-cdk-lib/aws-efs'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { DnsRecordType } from 'aws-cdk-lib/aws-servicediscovery'
import { Construct } from 'constructs'
import { explain } from './explain.ts'
import type { FileStore } from './files.ts'
import type { Network } from './network.ts'
import type { Settings } from './settings.ts'

/** What every service stands on. */
export type Ground = { stack: Stack; settings: Settings; network: Network; files: FileStore }

export type ServiceSize = { cpu: number; memoryMiB: number }

/** A task in the making, and its place in the network. */
export type Task = {
  id: string
  scope: Construct
  definition: FargateTaskDefinition
  securityGroup: SecurityGroup
  /** Root file system read-only, logs kept for `logDays`. */
  container: (name: string, options: Omit<ContainerDefinitionOptions, 'logging'>) => ContainerDefinition
  /** A folder of the task's own disk, which AWS encrypts; it goes with the task. */
  scratch: (name: string, mounts: readonly [ContainerDefinition, path: string, readOnly: boolean][]) => void
  /** A folder of the file system: over TLS, as this task's role, through this access point and no other. */
  mount: (container: ContainerDefinition, path: string, folder: AccessPoint) => void
  run: (options: RunOptions) => FargateService
}

type RunOptions = {
  tasks: number
  /**
   * True where two tasks must never have the data at once: a deployment stops the old one before it starts the new
   * one. The gap is what the senders' queues are for.
   */
  single: boolean
  /** How long a new task may take until its health counts. */
  grace?: Duration
}

export const openTask = (ground: Ground, id: string, { cpu, memoryMiB }: ServiceSize): Task => {
  const { stack, settings, network, files } = ground
  const scope = new Construct(stack, id)
  const logGroup = new LogGroup(scope, 'Logs', {
    retention: settings.logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const definition = new FargateTaskDefinition(scope, 'Task', {
    cpu,
    memoryLimitMiB: memoryMiB,
    runtimePlatform: {
      cpuArchitecture: CpuArchitecture.X86_64,
      operatingSystemFamily: OperatingSystemFamily.LINUX,
    },
  })
  const securityGroup = new SecurityGroup(scope, 'Access', {
    vpc: network.vpc,
    description: `${id} of Throughline`,
    allowAllOutbound: false,
  })
  securityGroup.addEgressRule(Peer.anyIpv4(), Port.HTTPS, 'APIs of AWS, registries of images')
  explain(definition, {
    ECS2: 'The variables hold addresses and configuration. Every secret comes from Secrets Manager.',
  })
  const container: Task['container'] = (name, options) =>
    definition.addContainer(name, {
      containerName: name,
      readonlyRootFilesystem: true,
      ...options,
      logging: LogDrivers.awsLogs({ logGroup, streamPrefix: name }),
    })

  let mounts = false
  return {
    id,
    scope,
    definition,
    securityGroup,
    container,
    scratch(name, mounts) {
      definition.addVolume({ name })
      for (const [user, containerPath, readOnly] of mounts)
        user.addMountPoints({ sourceVolume: name, containerPath, readOnly })
    },
    mount(user, containerPath, folder) {
      mounts = true
      definition.addVolume({
        name: 'data',
        efsVolumeConfiguration: {
          fileSystemId: files.system.fileSystemId,
          transitEncryption: 'ENABLED',
          authorizationConfig: { accessPointId: folder.accessPointId, iam: 'ENABLED' },
        },
      })
      user.addMountPoints({ sourceVolume: 'data', containerPath, readOnly: false })
      definition.addToTaskRolePolicy(
        new PolicyStatement({
          actions: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
          resources: [files.system.fileSystemArn],
          conditions: { StringEquals: { 'elasticfilesystem:AccessPointArn': folder.accessPointArn } },
        }),
      )
      securityGroup.connections.allowTo(files.securityGroup, Port.tcp(2049), 'NFS over TLS')
    },
    run({ tasks, single, grace }) {
      const service = new FargateService(scope, 'Service', {
        cluster: network.cluster,
        taskDefinition: definition,
        platformVersion: FargatePlatformVersion.VERSION1_4,
        desiredCount: tasks,
        minHealthyPercent: single ? 0 : 100,
        maxHealthyPercent: single ? 100 : 200,
        // It moves a task by starting the new one first.
        availabilityZoneRebalancing: single
          ? AvailabilityZoneRebalancing.DISABLED
          : AvailabilityZoneRebalancing.ENABLED,
        circuitBreaker: { enable: true, rollback: true },
        healthCheckGracePeriod: grace ?? Duration.minutes(2),
        enableExecuteCommand: false,
        assignPublicIp: false,
        vpcSubnets: network.tasks,
        securityGroups: [securityGroup],
        cloudMapOptions: {
          cloudMapNamespace: network.namespace,
          name: id.toLowerCase(),
          dnsRecordType: DnsRecordType.A,
          dnsTtl: Duration.seconds(10),
        },
      })
      // A first task that finds no way to a registry, or no file system, counts as a failed deployment.
      service.node.addDependency(network.vpc.selectSubnets(network.tasks).internetConnectivityEstablished)
      if (mounts) service.node.addDependency(files.system.mountTargetsAvailable)
      return service
    },
  }
}

/** Where another task of this stack is found. */
export const addressOf = (ground: Ground, id: string, port: number): string =>
  `${id.toLowerCase()}.${ground.network.namespace.namespaceName}:${port}`
