import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { images } from '../src/images.ts'
import { repositoryRoot } from '../src/repository.ts'
import {
  type Container,
  containerOf,
  environmentOf,
  ofType,
  only,
  profiles,
  taskOf,
  templateOf,
  textOf,
} from './support/synth.ts'

const servicesOf = {
  prometheus: ['Collector', 'Grafana', 'Jaeger', 'Prometheus', 'Recorder'],
  hybrid: ['Collector', 'Grafana', 'Jaeger', 'Prometheus', 'Recorder'],
  cloudwatch: ['Collector', 'Jaeger', 'Recorder'],
}

for (const profile of profiles)
  describe(`profile ${profile}`, () => {
    const template = templateOf({ profile })
    const services = ofType(template, 'AWS::ECS::Service')
    const containers = ofType(template, 'AWS::ECS::TaskDefinition').flatMap(
      ([, { Properties }]) => Properties.ContainerDefinitions as Container[],
    )

    test('runs its services on Fargate, none of them with a public address', () => {
      assert.deepEqual(
        services.map(([id]) => id.replace(/Service[0-9A-F]+$/, '')).sort(),
        servicesOf[profile],
      )
      for (const [, { Properties }] of services) {
        assert.equal(Properties.LaunchType, 'FARGATE')
        assert.equal(Properties.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp, 'DISABLED')
        assert.deepEqual(Properties.DeploymentConfiguration.DeploymentCircuitBreaker, {
          Enable: true,
          Rollback: true,
        })
      }
    })

    test('stops the old task before it starts the new one, where there may be only one', () => {
      for (const [id, { Properties }] of services) {
        const { MinimumHealthyPercent, MaximumPercent } = Properties.DeploymentConfiguration
        const several = id.startsWith('Recorder')
        assert.deepEqual([MinimumHealthyPercent, MaximumPercent], several ? [100, 200] : [0, 100], id)
        assert.equal(Properties.DesiredCount, several ? 2 : 1)
        assert.equal(Properties.AvailabilityZoneRebalancing, several ? 'ENABLED' : 'DISABLED')
      }
    })

    test('starts no task before it has a way out, and its files', () => {
      for (const [id, { DependsOn = [] }] of services) {
        const has = (like: RegExp): boolean => DependsOn.some((other) => like.test(other))
        assert.ok(has(/DefaultRoute/), id)
        assert.equal(has(/^FilesEfsMountTarget/), /^(?:Collector|Prometheus|Grafana)/.test(id), id)
      }
    })

    test('gives no container a writable root, and root to none that stays', () => {
      for (const { Name, Essential, User, ReadonlyRootFilesystem } of containers) {
        assert.equal(ReadonlyRootFilesystem, true, Name)
        // Those that end before the service starts may be root, to write into a new volume.
        if (Essential) assert.notEqual(User, '0', Name)
      }
      const waits = ofType(template, 'AWS::ECS::TaskDefinition').flatMap(([, { Properties }]) =>
        Properties.ContainerDefinitions.filter(({ Essential }: Container) => !Essential).map(
          ({ Name }: Container) => [
            Name,
            Properties.ContainerDefinitions.find(({ Essential }: Container) => Essential).DependsOn,
          ],
        ),
      )
      for (const [name, dependsOn] of waits)
        assert.deepEqual(dependsOn, [{ Condition: 'SUCCESS', ContainerName: name }])
    })

    test('keeps every log, and not for ever', () => {
      for (const { LogConfiguration } of containers) assert.equal(LogConfiguration.LogDriver, 'awslogs')
      const groups = ofType(template, 'AWS::Logs::LogGroup')
      assert.ok(groups.length >= services.length + 3)
      for (const [id, { Properties }] of groups) assert.equal(Properties.RetentionInDays, 30, id)
    })

    test('keeps its task definitions below the 64 KB that ECS takes', () => {
      for (const [id, { Properties }] of ofType(template, 'AWS::ECS::TaskDefinition'))
        assert.ok(JSON.stringify(Properties).length < 62_000, `${id}: ${JSON.stringify(Properties).length}`)
    })

    test('says where everything is', () => {
      const url = 'https://observability.example.com'
      const value = (name: string): unknown => template.Outputs[name]?.Value
      assert.equal(value('consoleUrl'), url)
      assert.equal(value('jaegerUrl'), `${url}/jaeger`)
      assert.equal(value('otlpEndpoint'), `${url}:4318`)
      assert.equal(value('grafanaUrl'), profile === 'cloudwatch' ? undefined : `${url}/grafana`)
      assert.equal(value('prometheusUrl'), profile === 'cloudwatch' ? undefined : `${url}/prometheus`)
      assert.equal(only(template, 'AWS::CloudWatch::Dashboard').Properties.DashboardName, value('dashboard'))
    })

    test('sets off an alarm for each part that is away', () => {
      const alarms = ofType(template, 'AWS::CloudWatch::Alarm').map(([id]) =>
        id.replace(/^Alarm|[0-9A-F]{8}$/g, ''),
      )
      const each = servicesOf[profile].flatMap((name) => [`${name}Down`, `${name}Memory`, `${name}Unhealthy`])
      const others = [
        'Entrance5xx',
        'Targets5xx',
        'DatabaseStorage',
        'DatabaseCpu',
        'DatabaseMemory',
        'FilesBusy',
        'FilesGrow',
      ]
      assert.deepEqual(alarms.sort(), [...each, ...others].sort())
      const topic = ofType(template, 'AWS::SNS::Topic')[0]![0]
      for (const [, { Properties }] of ofType(template, 'AWS::CloudWatch::Alarm')) {
        assert.deepEqual(Properties.AlarmActions, [{ Ref: topic }])
        assert.ok(Properties.AlarmDescription.length > 20)
      }
      const down = ofType(template, 'AWS::CloudWatch::Alarm').find(([id]) =>
        id.startsWith('AlarmRecorderDown'),
      )![1]
      assert.equal(down.Properties.MetricName, 'HealthyHostCount')
      assert.equal(down.Properties.TreatMissingData, 'breaching')
    })
  })

test('the images are those of docker-compose.yml', () => {
  const compose = parse(readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8'), { merge: true })
  const used = Object.values(compose.services as Record<string, { image: string }>).map(({ image }) => image)
  for (const image of Object.values(images)) assert.ok(used.includes(image), image)
  const template = templateOf()
  for (const [name, image] of Object.entries(images))
    assert.equal(containerOf(template, `${name[0]?.toUpperCase()}${name.slice(1)}`, name).Image, image)
})

test('Prometheus is reached under its path, keeps thirty days and takes OTLP', () => {
  const { Command } = containerOf(templateOf(), 'Prometheus', 'prometheus')
  for (const argument of [
    '--web.route-prefix=/prometheus',
    '--web.external-url=https://observability.example.com/prometheus',
    '--storage.tsdb.retention.time=30d',
    '--web.enable-otlp-receiver',
    '--enable-feature=exemplar-storage',
  ])
    assert.ok(Command?.includes(argument), argument)
  assert.ok(!Command?.some((argument) => /admin-api|lifecycle|remote-write-receiver/.test(argument)))
})

test('Grafana is reached under its path, knows nobody, and has no password that anybody knows', () => {
  const grafana = containerOf(templateOf(), 'Grafana', 'grafana')
  const environment = environmentOf(grafana)
  assert.equal(environment.GF_SERVER_ROOT_URL, 'https://observability.example.com/grafana/')
  assert.equal(environment.GF_SERVER_SERVE_FROM_SUB_PATH, 'true')
  assert.equal(environment.GF_AUTH_ANONYMOUS_ENABLED, 'false')
  assert.equal(environment.GF_USERS_ALLOW_SIGN_UP, 'false')
  assert.deepEqual(grafana.Secrets?.map(({ Name }) => Name).sort(), [
    'GF_SECURITY_ADMIN_PASSWORD',
    'GF_SECURITY_SECRET_KEY',
    'THROUGHLINE_POSTGRES_PASSWORD',
  ])
})

test("the Collector asks senders for a token, on each way in but the recorder's", () => {
  for (const profile of profiles) {
    const template = templateOf({ profile })
    const container = containerOf(template, 'Collector', 'collector')
    const { receivers, service } = JSON.parse(environmentOf(container).COLLECTOR_AWS!)
    for (const protocol of ['http', 'grpc'])
      assert.deepEqual(receivers.otlp.protocols[protocol].auth, { authenticator: 'bearertokenauth/clients' })
    assert.ok(service.extensions.includes('bearertokenauth/clients'))
    assert.equal(service.extensions.includes('sigv4auth/cloudwatch'), profile !== 'prometheus')
    assert.deepEqual(service.pipelines, { metrics: { receivers: ['otlp', 'otlp/inside'] } })
    const open = ofType(template, 'AWS::EC2::SecurityGroupIngress').filter(
      ([, { Properties }]) => Properties.FromPort === 4320,
    )
    assert.equal(open.length, 1)
    assert.match(JSON.stringify(open[0]![1].Properties.SourceSecurityGroupId), /RecorderAccess/)
  }
})

test('every part finds the others by their names', () => {
  const collector = environmentOf(containerOf(templateOf(), 'Collector', 'collector'))
  assert.equal(collector.THROUGHLINE_RECORDER_URL, 'http://recorder.throughline.internal:4400')
  assert.equal(collector.THROUGHLINE_JAEGER_OTLP, 'jaeger.throughline.internal:4317')
  assert.equal(collector.THROUGHLINE_PROMETHEUS_URL, 'http://prometheus.throughline.internal:9090/prometheus')
  assert.equal(
    textOf(collector.THROUGHLINE_CLOUDWATCH_URL),
    'https://monitoring.eu-central-1.<AWS::URLSuffix>',
  )
  const names = ofType(templateOf(), 'AWS::ServiceDiscovery::Service').map(
    ([, { Properties }]) => Properties.Name,
  )
  assert.deepEqual(names.sort(), ['collector', 'grafana', 'jaeger', 'prometheus', 'recorder'])
})

test('a network that is there already is used as it is', () => {
  const vpc = {
    id: 'vpc-0123456789abcdef0',
    cidr: '10.7.0.0/16',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    privateSubnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
  }
  const template = templateOf({ vpc })
  for (const type of ['AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::EC2::NatGateway'])
    assert.equal(ofType(template, type).length, 0, type)
  for (const [, { Properties }] of ofType(template, 'AWS::ECS::Service'))
    assert.deepEqual(Properties.NetworkConfiguration.AwsvpcConfiguration.Subnets, vpc.privateSubnets)
  assert.deepEqual(only(template, 'AWS::RDS::DBSubnetGroup').Properties.SubnetIds, vpc.privateSubnets)
  assert.equal(ofType(template, 'AWS::EFS::MountTarget').length, 2)
})

test('a value model is handed to the recorder, by the container before it', () => {
  const model = join(repositoryRoot, 'examples/dyno-allocation/value.yaml')
  const template = templateOf({ valueModel: model })
  const prepare = environmentOf(containerOf(template, 'Recorder', 'prepare'))
  const recorder = environmentOf(containerOf(template, 'Recorder', 'recorder'))
  assert.equal(prepare.VALUE_MODEL, readFileSync(model, 'utf8'))
  assert.equal(recorder.THROUGHLINE_RECORDER_VALUE_MODEL, prepare.VALUE_MODEL_FILE)
})

test('without an image, this checkout is built when it is deployed, not when it is looked at', () => {
  const template = templateOf({ recorderImage: undefined })
  assert.match(textOf(containerOf(template, 'Recorder', 'recorder').Image), /cdk-.*-container-assets-/)
})

test('one stack beside another has other names', () => {
  const template = templateOf({ name: 'staging' })
  assert.equal(
    only(template, 'AWS::ServiceDiscovery::PrivateDnsNamespace').Properties.Name,
    'staging.internal',
  )
  assert.equal(only(template, 'AWS::RDS::DBInstance').Properties.DBInstanceIdentifier, 'staging-records')
  assert.ok(taskOf(template, 'Collector').id)
})

test('business metrics in CloudWatch get their dashboard where there is a space for it', () => {
  const type = 'AWS::CloudWatch::OmniDashboard'
  assert.equal(ofType(templateOf(), type).length, 0)
  const { Properties } = only(templateOf({ omniSpace: 'space-1' }), type)
  assert.equal(Properties.SpaceId, 'space-1')
  const file = readFileSync(join(repositoryRoot, 'deploy/cloudwatch/omni-dashboard.json'), 'utf8')
  assert.deepEqual(JSON.parse(Properties.Body), JSON.parse(file))
})
