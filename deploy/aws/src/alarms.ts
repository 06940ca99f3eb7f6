import { Duration, type Stack } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { FargateService } from 'aws-cdk-lib/aws-ecs'
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import type { DatabaseInstance } from 'aws-cdk-lib/aws-rds'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Entrance, Services } from './entrance.ts'
import type { FileStore } from './files.ts'
import type { Settings } from './settings.ts'

type Rule = {
  about: string
  metric: IMetric
  /** Fires from here on. */
  atLeast?: number
  /** Fires below. */
  below?: number
  /** How many periods in a row. */
  periods: number
  /** What is not measured is: well, or the fault itself. */
  missing?: TreatMissingData
}

const period = Duration.minutes(1)
const gibibyte = 2 ** 30

/**
 * What a look from outside can tell, also while Prometheus is the thing that is down. What is inside (records lost,
 * queues, money) is told by the rules in deploy/prometheus.
 */
export const addAlarms = (
  stack: Stack,
  settings: Settings,
  parts: { entrance: Entrance; services: Services; database: DatabaseInstance; files: FileStore },
): { topic: Topic; alarms: Alarm[] } => {
  const topic = new Topic(stack, 'Alarms', { displayName: `Throughline: ${settings.name}`, enforceSSL: true })
  if (settings.alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(settings.alarmEmail))
  const action = new SnsAction(topic)
  const alarms = Object.entries(rulesOf(settings, parts)).map(([id, rule]) => {
    const alarm = new Alarm(stack, `Alarm-${id}`, {
      alarmDescription: rule.about,
      metric: rule.metric,
      threshold: rule.atLeast ?? rule.below ?? 0,
      comparisonOperator:
        rule.below === undefined
          ? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
          : ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: rule.periods,
      treatMissingData: rule.missing ?? TreatMissingData.NOT_BREACHING,
    })
    alarm.addAlarmAction(action)
    alarm.addOkAction(action)
    return alarm
  })
  return { topic, alarms }
}

const rulesOf = (
  settings: Settings,
  { entrance, services, database, files }: Parameters<typeof addAlarms>[2],
): Record<string, Rule> => ({
  ...entranceRules(entrance),
  ...Object.fromEntries(
    (Object.entries(services) as [keyof Services, FargateService][]).flatMap(([name, service]) =>
      Object.entries(serviceRules(name, service, entrance)),
    ),
  ),
  ...databaseRules(settings, database),
  ...fileRules(files),
})

const entranceRules = ({ loadBalancer }: Entrance): Record<string, Rule> => ({
  Entrance5xx: {
    about:
      'The load balancer itself answered with 5xx: no target took the request. Look at which target group has no healthy task.',
    metric: loadBalancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { period, statistic: 'Sum' }),
    atLeast: 5,
    periods: 5,
  },
  Targets5xx: {
    about:
      'Tasks answered with 5xx. 503 of the recorder or the Collector: its store is away or its queue is full; senders keep what they have.',
    metric: loadBalancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, {
      period,
      statistic: 'Sum',
    }),
    atLeast: 10,
    periods: 5,
  },
})

const words: Record<keyof Services, string> = {
  recorder:
    'No recorder is healthy: records wait in the queue of the Collector and in the spools of services. docs/runbooks/recorder-down.md',
  collector:
    'The Collector is not healthy: records wait in the spools of services. docs/runbooks/collector-down.md',
  jaeger: 'Jaeger is not healthy: traces wait for 15 minutes in the queue of the Collector, then they go.',
  prometheus:
    'Prometheus is not healthy: metrics wait in the queue of the Collector, and no rule is looked at.',
  grafana: 'Grafana is not healthy.',
}

const serviceRules = (
  name: keyof Services,
  service: FargateService,
  { targets }: Entrance,
): Record<string, Rule> => {
  const target = targets[name]
  if (target === undefined) return {}
  const title = `${name[0]?.toUpperCase()}${name.slice(1)}`
  return {
    [`${title}Down`]: {
      about: words[name],
      metric: target.metrics.healthyHostCount({ period, statistic: 'Minimum' }),
      below: 1,
      // A task of which there is one is away for some minutes when it is replaced.
      periods: name === 'recorder' ? 3 : 10,
      missing: TreatMissingData.BREACHING,
    },
    [`${title}Unhealthy`]: {
      about: `A task of ${name} is there and does not pass its health check.`,
      metric: target.metrics.unhealthyHostCount({ period, statistic: 'Maximum' }),
      atLeast: 1,
      periods: name === 'prometheus' ? 20 : 10,
    },
    [`${title}Memory`]: {
      about: `${name} uses more than 90 % of the memory of its task.`,
      metric: service.metricMemoryUtilization({ period, statistic: 'Maximum' }),
      atLeast: 90,
      periods: 10,
    },
  }
}

const databaseRules = (settings: Settings, database: DatabaseInstance): Record<string, Rule> => ({
  DatabaseStorage: {
    about:
      'Less than a tenth of the first size of the database is free, although its storage grows by itself: it has reached databaseMaxGiB, or grew within the last six hours.',
    metric: database.metricFreeStorageSpace({ period, statistic: 'Minimum' }),
    below: Math.max(2, settings.databaseGiB / 10) * gibibyte,
    periods: 5,
  },
  DatabaseCpu: {
    about: 'The processors of the database are busy for more than 80 % of a quarter of an hour.',
    metric: database.metricCPUUtilization({ period, statistic: 'Average' }),
    atLeast: 80,
    periods: 15,
  },
  DatabaseMemory: {
    about: 'The database has less than 128 MiB of memory left.',
    metric: database.metricFreeableMemory({ period, statistic: 'Minimum' }),
    below: 128 * 2 ** 20,
    periods: 10,
  },
})

const fileRules = ({ system }: FileStore): Record<string, Rule> => {
  const metric = (metricName: string, statistic: string): Metric =>
    new Metric({
      namespace: 'AWS/EFS',
      metricName,
      dimensionsMap: { FileSystemId: system.fileSystemId },
      period,
      statistic,
    })
  return {
    FilesBusy: {
      about:
        'The file system is near its limit of operations: the Collector is slow to acknowledge, Prometheus slow to write.',
      metric: metric('PercentIOLimit', 'Maximum'),
      atLeast: 95,
      periods: 15,
    },
    FilesGrow: {
      about:
        'The file system holds more than 300 GiB: Prometheus stops at 200 GB, the queues of the Collector at 3 GB.',
      metric: new MathExpression({
        expression: `size / ${gibibyte}`,
        usingMetrics: {
          size: new Metric({
            namespace: 'AWS/EFS',
            metricName: 'StorageBytes',
            dimensionsMap: { FileSystemId: system.fileSystemId, StorageClass: 'Total' },
            statistic: 'Maximum',
            period: Duration.hours(1),
          }),
        },
        period: Duration.hours(1),
        label: 'GiB',
      }),
      atLeast: 300,
      periods: 1,
    },
  }
}
