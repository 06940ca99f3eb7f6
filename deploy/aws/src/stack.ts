import { type App, CfnOutput, Stack, Tags } from 'aws-cdk-lib'
import { Port } from 'aws-cdk-lib/aws-ec2'
import { addAlarms } from './alarms.ts'
import { addDashboard } from './dashboard.ts'
import { makeDatabase } from './database.ts'
import { makeEntrance, type Services } from './entrance.ts'
import { makeFileStore } from './files.ts'
import { makeNetwork } from './network.ts'
import { makeSecrets } from './secrets.ts'
import type { Ground } from './service.ts'
import { addCollector } from './services/collector.ts'
import { addGrafana } from './services/grafana.ts'
import { addJaeger } from './services/jaeger.ts'
import { addPrometheus } from './services/prometheus.ts'
import { addRecorder } from './services/recorder.ts'
import type { Settings } from './settings.ts'

/** Everything, in one stack: what holds data refuses to be deleted, or stays. */
export const makeStack = (app: App, settings: Settings): Stack => {
  const stack = new Stack(app, settings.name, {
    description: `Throughline, profile ${settings.profile}`,
    // The account is that of who deploys. Were it known here, the zones would be looked up in it.
    env: { region: settings.region },
  })
  Tags.of(stack).add('throughline', settings.name)

  const network = makeNetwork(stack, settings)
  const files = makeFileStore(stack, network)
  const ground: Ground = { stack, settings, network, files }
  const database = makeDatabase(stack, settings, network)
  const secrets = makeSecrets(stack, database)

  const services: Services = {
    recorder: addRecorder(ground, database, secrets),
    collector: addCollector(ground, secrets),
    jaeger: addJaeger(ground),
  }
  let grafana: ReturnType<typeof addGrafana> | undefined
  if (settings.profile !== 'cloudwatch') {
    services.prometheus = addPrometheus(ground, secrets.prometheusToken)
    grafana = addGrafana(ground, database, secrets.readerPassword)
    services.grafana = grafana.service
  }
  allowBetween(services)
  for (const service of [services.recorder, services.grafana])
    service?.connections.allowTo(database, Port.tcp(5432), 'Postgres')

  const entrance = makeEntrance(stack, settings, network, services)
  const { topic, alarms } = addAlarms(stack, settings, { entrance, services, database, files })
  addDashboard(stack, settings, { entrance, services, database, alarms })

  const url = `https://${settings.host}`
  const outputs: Record<string, [about: string, value: string]> = {
    consoleUrl: ['The console, and the API', url],
    jaegerUrl: ['Jaeger', `${url}/jaeger`],
    otlpEndpoint: ['OTEL_EXPORTER_OTLP_ENDPOINT of services', `${url}:4318`],
    recorderUrl: ['THROUGHLINE_RECORDER_URL of services', `${url}:4318`],
    servicesToken: ['Secret: THROUGHLINE_RECORDER_TOKEN of services', secrets.servicesToken.secretArn],
    servicesHeaders: ['Secret: OTEL_EXPORTER_OTLP_HEADERS of services', secrets.servicesHeaders.secretArn],
    peopleToken: ['Secret: a token for the console', secrets.peopleToken.secretArn],
    sendersGroup: ['Security group: its members may send', network.senders.securityGroupId],
    readersGroup: ['Security group: its members may read', network.readers.securityGroupId],
    loadBalancer: [`What ${settings.host} has to be an alias of`, entrance.loadBalancer.loadBalancerDnsName],
    cluster: ['ECS cluster', network.cluster.clusterName],
    recorderService: ['ECS service of the recorder', services.recorder.serviceName],
    dashboard: ['Name of the CloudWatch dashboard', settings.name],
    alarmTopic: ['SNS topic of the alarms', topic.topicArn],
  }
  if (grafana !== undefined) {
    outputs.grafanaUrl = ['Grafana, user admin', `${url}/grafana`]
    outputs.grafanaPassword = ['Secret: the first password of admin', grafana.password.secretArn]
    outputs.prometheusUrl = ['Prometheus', `${url}/prometheus`]
  }
  for (const [name, [description, value]] of Object.entries(outputs))
    new CfnOutput(stack, name, { description, value })
  return stack
}

/** Who speaks to whom inside. What is not here is closed. */
const allowBetween = ({ recorder, collector, jaeger, prometheus, grafana }: Services): void => {
  collector.connections.allowTo(recorder, Port.tcp(4400), 'Records')
  collector.connections.allowTo(jaeger, Port.tcp(4317), 'Traces')
  recorder.connections.allowTo(collector, Port.tcp(4320), 'Gauges of the value model')
  recorder.connections.allowTo(collector, Port.tcp(8888), 'Health')
  recorder.connections.allowTo(jaeger, Port.tcp(16_686), 'Health')
  grafana?.connections.allowTo(jaeger, Port.tcp(16_686), 'Traces')
  if (prometheus === undefined) return
  collector.connections.allowTo(prometheus, Port.tcp(9090), 'Metrics')
  recorder.connections.allowTo(prometheus, Port.tcp(9090), 'Health')
  grafana?.connections.allowTo(prometheus, Port.tcp(9090), 'Queries')
  prometheus.connections.allowTo(collector, Port.tcp(8888), 'Scrape')
  prometheus.connections.allowTo(recorder, Port.tcp(4400), 'Scrape')
}
