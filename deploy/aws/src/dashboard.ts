import { Duration, type Stack } from 'aws-cdk-lib'
import {
  type Alarm,
  AlarmStatusWidget,
  CfnOmniDashboard,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { FargateService } from 'aws-cdk-lib/aws-ecs'
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import type { DatabaseInstance } from 'aws-cdk-lib/aws-rds'
import type { Entrance, Services } from './entrance.ts'
import { explainTemplate } from './explain.ts'
import { readRepository } from './repository.ts'
import type { Settings } from './settings.ts'

const period = Duration.minutes(1)

/** What AWS itself measures, on one page of CloudWatch: alarms, load balancer, tasks, database. */
export const addDashboard = (
  stack: Stack,
  settings: Settings,
  parts: { entrance: Entrance; services: Services; database: DatabaseInstance; alarms: Alarm[] },
): void => {
  const { entrance, database, alarms } = parts
  const services = Object.entries(parts.services) as [string, FargateService][]
  const graph = (title: string, ...left: IMetric[]): IWidget =>
    new GraphWidget({ title, left, width: 8, height: 6 })
  const sum = { period, statistic: 'Sum' }
  new Dashboard(stack, 'Dashboard', {
    dashboardName: settings.name,
    defaultInterval: Duration.hours(6),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms, width: 24, height: 4 })],
      [
        graph('Requests a minute', entrance.loadBalancer.metrics.requestCount(sum)),
        graph(
          'Answers with 5xx a minute',
          entrance.loadBalancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, {
            ...sum,
            label: 'load balancer',
          }),
          entrance.loadBalancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, {
            ...sum,
            label: 'tasks',
          }),
        ),
        graph(
          'Seconds to the answer, p99',
          ...Object.entries(entrance.targets).map(([label, target]) =>
            target.metrics.targetResponseTime({ period, statistic: 'p99', label }),
          ),
        ),
      ],
      [
        graph(
          'CPU of tasks, %',
          ...services.map(([label, one]) => one.metricCpuUtilization({ period, label })),
        ),
        graph(
          'Memory of tasks, %',
          ...services.map(([label, one]) => one.metricMemoryUtilization({ period, label })),
        ),
        graph(
          'Healthy tasks',
          ...Object.entries(entrance.targets).map(([label, target]) =>
            target.metrics.healthyHostCount({ period, statistic: 'Minimum', label }),
          ),
        ),
      ],
      [
        graph('CPU of the database, %', database.metricCPUUtilization({ period })),
        graph('Free storage of the database, bytes', database.metricFreeStorageSpace({ period })),
        graph('Connections of the database', database.metricDatabaseConnections({ period })),
      ],
    ],
  }) // Business metrics that came by OTLP: classic dashboards cannot find them.
  if (settings.omniSpace !== undefined)
    explainTemplate(
      new CfnOmniDashboard(stack, 'BusinessDashboard', {
        name: `${settings.name}-business`,
        description: 'Business metrics of Throughline',
        spaceId: settings.omniSpace,
        body: JSON.stringify(JSON.parse(readRepository('deploy/cloudwatch/omni-dashboard.json'))),
      }),
      'F3006',
      'The type is newer than the list of types that the check has.',
    )
}
