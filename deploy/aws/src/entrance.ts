import { Duration, RemovalPolicy, SecretValue, type Stack } from 'aws-cdk-lib'
import { Certificate, CertificateValidation, type ICertificate } from 'aws-cdk-lib/aws-certificatemanager'
import { type ISecurityGroup, Peer, Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2'
import type { FargateService } from 'aws-cdk-lib/aws-ecs'
import {
  type ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  DesyncMitigationMode,
  ListenerAction,
  ListenerCondition,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import { ARecord, HostedZone, type IHostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { LoadBalancerTarget } from 'aws-cdk-lib/aws-route53-targets'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import { explain } from './explain.ts'
import type { Network } from './network.ts'
import type { Oidc, Settings } from './settings.ts'

export type Entrance = {
  loadBalancer: ApplicationLoadBalancer
  /** By the name of the service. */
  targets: Record<string, ApplicationTargetGroup>
}

export type Services = {
  recorder: FargateService
  collector: FargateService
  jaeger: FargateService
  prometheus?: FargateService
  grafana?: FargateService
}

/** Where the load balancer finds a service, and how it asks for its health. */
const doors = {
  recorder: { port: 4400, health: '/healthz' },
  collector: { port: 4318, health: '/', healthPort: 13_133 },
  jaeger: { port: 16_686, health: '/status', healthPort: 13_133 },
  prometheus: { port: 9090, health: '/prometheus/-/healthy' },
  grafana: { port: 3000, health: '/grafana/api/health' },
} as const

/**
 * One load balancer, TLS only. Port 443: Grafana, Prometheus and Jaeger under their paths, the console and the API
 * everywhere else. Port 4318, for senders: OTLP, and the question what has arrived.
 *
 * Grafana and the recorder ask who somebody is; Prometheus and Jaeger ask nobody. So the load balancer is internal and
 * lets in members of a security group and named ranges alone, and with `oidc` it asks itself before it opens the three
 * that are pages. The recorder has its tokens, which scripts have too.
 */
export const makeEntrance = (
  stack: Stack,
  settings: Settings,
  network: Network,
  services: Services,
): Entrance => {
  const securityGroup = entranceAccess(stack, settings, network)
  const loadBalancer = new ApplicationLoadBalancer(stack, 'Entrance', {
    vpc: network.vpc,
    vpcSubnets: settings.access === 'public' ? { subnetType: SubnetType.PUBLIC } : network.tasks,
    internetFacing: settings.access === 'public',
    securityGroup,
    dropInvalidHeaderFields: true,
    desyncMitigationMode: DesyncMitigationMode.DEFENSIVE,
    deletionProtection: true,
    // The console reads events as they come, one every two seconds.
    idleTimeout: Duration.seconds(60),
  })
  loadBalancer.logAccessLogs(accessLogBucket(stack, settings))

  const targets: Record<string, ApplicationTargetGroup> = {}
  for (const [name, service] of Object.entries(services) as [keyof Services, FargateService][])
    targets[name] = targetOf(stack, network, securityGroup, name, service)
  const target = (name: keyof Services): ApplicationTargetGroup => {
    const found = targets[name]
    if (found === undefined) throw new Error(`there is no target ${name}`)
    return found
  }

  const zone = zoneOf(stack, settings)
  const certificates = [certificateOf(stack, settings, zone)]
  const tls = {
    protocol: ApplicationProtocol.HTTPS,
    certificates,
    sslPolicy: SslPolicy.TLS13_RES,
    open: false,
  }
  const pages = loadBalancer.addListener('Pages', {
    ...tls,
    port: 443,
    defaultAction: ListenerAction.forward([target('recorder')]),
  })
  addPages(pages, settings, targets)
  const otlp = loadBalancer.addListener('Otlp', {
    ...tls,
    port: 4318,
    defaultAction: ListenerAction.forward([target('collector')]),
  })
  // Senders ask what has arrived. Here, so that they need not be let in where the pages are.
  otlp.addAction('Confirmation', {
    priority: 10,
    conditions: [ListenerCondition.pathPatterns(['/v1/confirm'])],
    action: ListenerAction.forward([target('recorder')]),
  })
  if (zone !== undefined)
    new ARecord(stack, 'Name', {
      zone,
      recordName: `${settings.host}.`,
      target: RecordTarget.fromAlias(new LoadBalancerTarget(loadBalancer)),
    })
  return { loadBalancer, targets }
}

const addPages = (
  listener: ApplicationListener,
  settings: Settings,
  targets: Readonly<Record<string, ApplicationTargetGroup>>,
): void => {
  if (targets.prometheus !== undefined)
    listener.addAction('PrometheusTakesNothing', {
      priority: 10,
      conditions: [ListenerCondition.pathPatterns(['/prometheus/api/v1/otlp/*', '/prometheus/api/v1/write'])],
      action: ListenerAction.fixedResponse(403, {
        contentType: 'text/plain',
        messageBody: 'Metrics go to the Collector, port 4318.',
      }),
    })
  for (const [index, name] of (['grafana', 'prometheus', 'jaeger'] as const).entries()) {
    const target = targets[name]
    if (target === undefined) continue
    const next = ListenerAction.forward([target])
    listener.addAction(`${name}Pages`, {
      priority: 20 + index,
      conditions: [ListenerCondition.pathPatterns([`/${name}`, `/${name}/*`])],
      action: settings.oidc === undefined ? next : signedIn(settings.oidc, next),
    })
  }
}

const signedIn = (oidc: Oidc, next: ListenerAction): ListenerAction =>
  ListenerAction.authenticateOidc({
    issuer: oidc.issuer,
    authorizationEndpoint: oidc.authorizationEndpoint,
    tokenEndpoint: oidc.tokenEndpoint,
    userInfoEndpoint: oidc.userInfoEndpoint,
    clientId: oidc.clientId,
    clientSecret: SecretValue.secretsManager(oidc.clientSecretArn),
    sessionTimeout: Duration.hours(12),
    next,
  })

/** Nobody, but members of two security groups and the ranges that are written down. */
const entranceAccess = (stack: Stack, settings: Settings, network: Network): SecurityGroup => {
  const access = new SecurityGroup(stack, 'EntranceAccess', {
    vpc: network.vpc,
    description: 'Load balancer of Throughline',
    allowAllOutbound: false,
  })
  const open = (who: ISecurityGroup, port: number, why: string): void =>
    who.connections.allowTo(access, Port.tcp(port), why)
  open(network.readers, 443, 'Pages and API')
  open(network.senders, 4318, 'OTLP')
  for (const cidr of settings.allowedCidrs)
    access.addIngressRule(Peer.ipv4(cidr), Port.HTTPS, 'Pages and API')
  for (const cidr of settings.senderCidrs) access.addIngressRule(Peer.ipv4(cidr), Port.tcp(4318), 'OTLP')
  if (settings.allowedCidrs.some((cidr) => cidr.endsWith('/0')))
    explain(access, {
      EC23: 'Asked for, and only taken together with an identity provider: the pages ask who somebody is, the recorder has its tokens.',
    })
  return access
}

const targetOf = (
  stack: Stack,
  network: Network,
  entrance: SecurityGroup,
  name: keyof Services,
  service: FargateService,
): ApplicationTargetGroup => {
  const door = doors[name]
  const target = new ApplicationTargetGroup(stack, `Target-${name}`, {
    vpc: network.vpc,
    port: door.port,
    protocol: ApplicationProtocol.HTTP,
    targets: [service.loadBalancerTarget({ containerName: name, containerPort: door.port })],
    // Those of which there is one are stopped before the next comes: nothing is gained by waiting.
    deregistrationDelay: Duration.seconds(name === 'recorder' ? 30 : 10),
    healthCheck: {
      path: door.health,
      ...('healthPort' in door ? { port: String(door.healthPort) } : {}),
      interval: Duration.seconds(15),
      timeout: Duration.seconds(10),
      healthyThresholdCount: 2,
      unhealthyThresholdCount: 4,
      healthyHttpCodes: '200',
    },
  })
  if ('healthPort' in door) entrance.connections.allowTo(service, Port.tcp(door.healthPort), 'Health')
  return target
}

const zoneOf = (stack: Stack, { hostedZone }: Settings): IHostedZone | undefined =>
  hostedZone === undefined
    ? undefined
    : HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
        hostedZoneId: hostedZone.id,
        zoneName: hostedZone.name,
      })

const certificateOf = (stack: Stack, settings: Settings, zone: IHostedZone | undefined): ICertificate => {
  if (settings.certificateArn !== undefined)
    return Certificate.fromCertificateArn(stack, 'Certificate', settings.certificateArn)
  return new Certificate(stack, 'Certificate', {
    domainName: settings.host,
    validation: CertificateValidation.fromDns(zone),
  })
}

/** Load balancers write with keys of S3's own, and with no others. */
const accessLogBucket = (stack: Stack, settings: Settings): Bucket => {
  const bucket = new Bucket(stack, 'AccessLogs', {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      { expiration: Duration.days(settings.logDays), abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
  })
  explain(bucket, { S1: 'It holds access logs; logs of who read the logs would go on for ever.' })
  return bucket
}
