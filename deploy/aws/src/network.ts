import { RemovalPolicy, type Stack, Tags } from 'aws-cdk-lib'
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  type ISecurityGroup,
  type IVpc,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { PrivateDnsNamespace } from 'aws-cdk-lib/aws-servicediscovery'
import type { Settings } from './settings.ts'

export type Network = {
  vpc: IVpc
  /** Where tasks run: with a way out, and none in. */
  tasks: SubnetSelection
  /** Where the database and the file system are. */
  data: SubnetSelection
  cluster: Cluster
  namespace: PrivateDnsNamespace
  /** Empty groups to give to others: their members may read, or send. */
  readers: ISecurityGroup
  senders: ISecurityGroup
}

export const makeNetwork = (stack: Stack, settings: Settings): Network => {
  const vpc = settings.vpc === undefined ? newVpc(stack, settings) : existingVpc(stack, settings.vpc)
  const tasks = { subnetType: SubnetType.PRIVATE_WITH_EGRESS }
  const empty = (id: string, description: string): ISecurityGroup =>
    new SecurityGroup(stack, id, { vpc, description, allowAllOutbound: false })
  return {
    vpc,
    tasks,
    data: settings.vpc === undefined ? { subnetType: SubnetType.PRIVATE_ISOLATED } : tasks,
    cluster: new Cluster(stack, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED }),
    namespace: new PrivateDnsNamespace(stack, 'Namespace', {
      vpc,
      name: `${settings.name}.internal`,
      description: 'How the parts of Throughline find each other',
    }),
    readers: empty('Readers', 'Members may open the pages and the API of Throughline'),
    senders: empty('Senders', 'Members may send to the Collector of Throughline'),
  }
}

const newVpc = (stack: Stack, settings: Settings): Vpc => {
  const vpc = new Vpc(stack, 'Vpc', {
    maxAzs: 2,
    natGateways: settings.natGateways,
    subnetConfiguration: [
      { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
      { name: 'tasks', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
      { name: 'data', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
    ],
    // Image layers come from S3: through this, not through the NAT gateway and its bill.
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
  })
  vpc.addFlowLog('FlowLog', {
    destination: FlowLogDestination.toCloudWatchLogs(
      new LogGroup(stack, 'FlowLogs', { retention: settings.logDays, removalPolicy: RemovalPolicy.DESTROY }),
    ),
  })
  Tags.of(vpc).add('Name', settings.name)
  return vpc
}

const existingVpc = (stack: Stack, vpc: NonNullable<Settings['vpc']>): IVpc =>
  Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: vpc.id,
    vpcCidrBlock: vpc.cidr,
    availabilityZones: vpc.availabilityZones,
    privateSubnetIds: vpc.privateSubnets,
    ...(vpc.publicSubnets === undefined ? {} : { publicSubnetIds: vpc.publicSubnets }),
  })
