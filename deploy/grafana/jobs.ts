import { dashboardOf, labelVariable } from './dashboard.ts'
import { queuePage } from './links.ts'
import { figure, lines, tableOf } from './panels.ts'
import { average, inFive, maxBy, orZero, orZeroOf, place, quantile, rate, series, sumBy } from './promql.ts'

const queue = 'job_queue=~"$queue"'
const type = 'job_type=~"$type"'
const where = [place, queue, type]
// Figures of the queue itself have no type, and every worker asks the same queue: the largest answer is the answer.
const whole = [place, queue]

const processed = (...more: string[]) => rate(series('job_processed_total', ...where, ...more))
const ended = processed()
const failed = (labels: string) =>
  orZeroOf(sumBy(labels, processed('job_status="failed"')), sumBy(labels, ended))
const share = (labels: string) => `${failed(labels)} / (${sumBy(labels, ended)} > 0)`
const launch = series('job_launch_latency_seconds_bucket', ...where)
const gauge = (name: string, labels = 'job_queue', ...more: string[]) =>
  maxBy(labels, series(name, ...whole, ...more))

// Containers know their type, and no queue.
const container = [place, type]
const engine = [place]

export const jobs = dashboardOf({
  uid: 'throughline-jobs',
  title: 'Throughline / Jobs and containers',
  about:
    'Why a job does not start, what it costs, where it fails. From @throughline/instrumentation-jobs, and the containers from @throughline/instrumentation-docker.',
  variables: [
    labelVariable('environment', 'deployment_environment_name', 'job_concurrent'),
    labelVariable('queue', 'job_queue', series('job_concurrent', place)),
    labelVariable('type', 'job_type', series('job_processed_total', place, queue)),
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        figure({
          title: 'Waiting',
          about: 'Jobs that wait for a worker, as the queues said last.',
          unit: 'none',
          query: sumBy('', gauge('job_queue_depth')),
        }),
        figure({
          title: 'Longest wait',
          about: 'How long the job that waits longest had waited.',
          unit: 's',
          query: orZero(maxBy('', series('job_queue_oldest_age_seconds', ...whole))),
          limits: { warn: 60, bad: 600 },
        }),
        figure({
          title: 'At once',
          about: 'Jobs that the workers have, those being launched included.',
          unit: 'none',
          query: sumBy('', series('job_concurrent', ...whole)),
        }),
        figure({
          title: 'Processing rate',
          about: 'Jobs that ended, a second.',
          unit: 'ops',
          query: sumBy('', ended),
        }),
        figure({
          title: 'Failures',
          about: 'Share of the jobs that ended as failed.',
          unit: 'percentunit',
          query: share(''),
          limits: { warn: 0.05, bad: 0.2 },
        }),
        figure({
          title: 'Launch within',
          about: '95th percentile of the time from enqueued to running.',
          unit: 's',
          query: quantile(0.95, '', launch),
          limits: { warn: 30, bad: 60 },
        }),
      ],
    },
    {
      title: 'Performance',
      panels: [
        lines({
          title: 'Job launch latency',
          about: 'From enqueued to running. If it rises, the next chart says which phase takes the time.',
          unit: 's',
          queries: [
            ['{{job_queue}} {{job_type}} 95 %', quantile(0.95, 'job_queue, job_type', launch)],
            ['{{job_queue}} {{job_type}} 50 %', quantile(0.5, 'job_queue, job_type', launch)],
          ],
        }),
        lines({
          title: 'Where the time goes',
          about:
            'Average of each phase, on top of each other: waiting in the queue, pulling, creating, starting, running, collecting, removing.',
          unit: 's',
          stacked: true,
          queries: [['{{job_phase}}', average('job_phase', 'job_phase_duration_seconds', ...where)]],
        }),
        lines({
          title: 'Job duration',
          about: 'From taken by a worker to the end, average and 95th percentile.',
          unit: 's',
          queries: [
            ['{{job_type}} average', average('job_type', 'job_duration_seconds', ...where)],
            [
              '{{job_type}} 95 %',
              quantile(0.95, 'job_type', series('job_duration_seconds_bucket', ...where)),
            ],
          ],
        }),
        lines({
          title: 'Running time',
          about: 'From running to the end, 95th percentile, by how it ended.',
          unit: 's',
          queries: [
            [
              '{{job_type}} {{job_status}}',
              quantile(
                0.95,
                'job_type, job_status',
                series('container_job_duration_seconds_bucket', ...where),
              ),
            ],
          ],
        }),
        lines({
          title: 'Batch status checks',
          about: 'Jobs whose status is checked in a second of checking.',
          unit: 'ops',
          queries: [
            [
              '{{job_queue}}',
              `${sumBy('job_queue', rate(series('job_status_check_jobs_total', ...whole)))} / ${sumBy('job_queue', rate(series('job_status_check_duration_seconds_sum', ...whole)))}`,
            ],
          ],
        }),
        lines({
          title: 'Status checks that failed',
          about: 'In five minutes. A queue that cannot be asked: then depth and age below are not known.',
          unit: 'none',
          queries: [
            [
              '{{job_queue}} {{error_type}}',
              inFive('job_queue, error_type', series('job_status_check_failures_total', ...whole)),
            ],
          ],
        }),
      ],
    },
    {
      title: 'The queues',
      panels: [
        lines({
          title: 'Jobs by status',
          about: 'As the queue said last: pending, running, completed, failed, cancelled.',
          unit: 'none',
          queries: [['{{job_queue}} {{job_status}}', gauge('job_count', 'job_queue, job_status')]],
        }),
        lines({
          title: 'Queue depth and longest wait',
          about:
            'Jobs that wait for a worker, and for how many seconds the first of them had waited. Age without depth: one job is stuck.',
          unit: 'none',
          queries: [
            ['{{job_queue}} jobs', gauge('job_queue_depth')],
            ['{{job_queue}} seconds', gauge('job_queue_oldest_age_seconds')],
          ],
        }),
        lines({
          title: 'In and out',
          about: 'Jobs enqueued, launched and ended, a second. In above out: the queue grows.',
          unit: 'ops',
          queries: [
            ['{{job_queue}} enqueued', sumBy('job_queue', rate(series('job_enqueued_total', ...where)))],
            [
              '{{job_queue}} launched',
              sumBy('job_queue', rate(series('container_job_launches_total', ...where))),
            ],
            ['{{job_queue}} ended', sumBy('job_queue', ended)],
          ],
        }),
        lines({
          title: 'Ended by status',
          about: 'Jobs that ended, a second: completed, failed, cancelled.',
          unit: 'ops',
          stacked: true,
          queries: [['{{job_type}} {{job_status}}', sumBy('job_type, job_status', ended)]],
        }),
        lines({
          title: 'Failures by type',
          about: 'Jobs that failed in five minutes, by error.type.',
          unit: 'none',
          stacked: true,
          queries: [
            [
              '{{job_type}} {{error_type}}',
              inFive('job_type, error_type', series('job_failures_total', ...where)),
            ],
          ],
        }),
        lines({
          title: 'Retries and lost workers',
          about: 'In five minutes: jobs that will be tried again, and jobs whose worker was lost.',
          unit: 'none',
          queries: [
            ['retries {{job_queue}}', inFive('job_queue', series('job_retries_total', ...where))],
            ['stalls {{job_queue}}', inFive('job_queue', series('job_stalls_total', ...whole))],
          ],
        }),
        tableOf({
          title: 'Types of jobs',
          about: 'Each type with its rate, failures and times. The queue leads to its page in the console.',
          unit: 'none',
          labels: ['job_queue', 'job_type'],
          queries: [
            ['ended a second', sumBy('job_queue, job_type', ended)],
            ['failures', share('job_queue, job_type')],
            ['launch 95 %', quantile(0.95, 'job_queue, job_type', launch)],
            ['average', average('job_queue, job_type', 'job_duration_seconds', ...where)],
          ],
          columns: {
            'ended a second': { unit: 'ops' },
            failures: { unit: 'percentunit' },
            'launch 95 %': { unit: 's' },
            average: { unit: 's' },
            job_queue: { links: [queuePage] },
          },
        }),
      ],
    },
    {
      title: 'Slots and hosts',
      panels: [
        lines({
          title: 'Concurrent jobs',
          about:
            'Jobs at once over all workers, and the peak of each worker between two looks: counted at every change.',
          unit: 'none',
          width: 8,
          queries: [
            ['{{job_queue}} now', sumBy('job_queue', series('job_concurrent', ...whole))],
            ['{{job_queue}} peak of one worker', gauge('job_concurrent_peak')],
          ],
        }),
        lines({
          title: 'Running jobs by type',
          about: 'Jobs that run now, by type.',
          unit: 'none',
          width: 8,
          queries: [['{{job_type}}', sumBy('job_type', series('container_active_jobs', ...where))]],
        }),
        lines({
          title: 'Host utilisation',
          about: 'CPU, memory, disk and slots, the fullest worker of each: 1 is full.',
          unit: 'percentunit',
          width: 8,
          most: 1,
          queries: [['{{host_resource}}', maxBy('host_resource', series('host_utilization_ratio', place))]],
        }),
      ],
    },
    {
      title: 'Containers',
      panels: [
        lines({
          title: 'Container creation time',
          about: '95th percentile of docker create, by job type.',
          unit: 's',
          width: 8,
          queries: [
            [
              '{{job_type}}',
              quantile(0.95, 'job_type', series('container_create_duration_seconds_bucket', ...container)),
            ],
          ],
        }),
        lines({
          title: 'Running containers',
          about: 'By job type; without a label none.',
          unit: 'none',
          width: 8,
          queries: [['{{job_type}}', sumBy('job_type', series('container_running', ...container))]],
        }),
        lines({
          title: 'Killed for want of memory',
          about: 'Containers that the kernel killed in five minutes.',
          unit: 'none',
          width: 8,
          queries: [['{{job_type}}', inFive('job_type', series('container_oom_kills_total', ...container))]],
        }),
        lines({
          title: 'Cores in use',
          about: 'CPU seconds a second, by job type, and how much the limit held back.',
          unit: 'none',
          width: 8,
          queries: [
            [
              '{{job_type}}',
              sumBy('job_type', rate(series('container_cpu_usage_seconds_total', ...container))),
            ],
            [
              '{{job_type}} held back',
              sumBy('job_type', rate(series('container_cpu_throttled_seconds_total', ...container))),
            ],
          ],
        }),
        lines({
          title: 'Memory',
          about: 'Working set of the running containers, and the sum of their limits.',
          unit: 'bytes',
          width: 8,
          queries: [
            ['{{job_type}}', sumBy('job_type', series('container_memory_working_set_bytes', ...container))],
            [
              '{{job_type}} with cache',
              sumBy('job_type', series('container_memory_usage_bytes', ...container)),
            ],
            ['{{job_type}} limit', sumBy('job_type', series('container_memory_limit_bytes', ...container))],
          ],
        }),
        lines({
          title: 'Network and disk',
          about: 'Bytes a second. Some kernels do not count what virtual machines do with their disks.',
          unit: 'binBps',
          width: 8,
          queries: [
            [
              '{{job_type}} {{network_io_direction}}',
              sumBy(
                'job_type, network_io_direction',
                rate(series('container_network_io_bytes_total', ...container)),
              ),
            ],
            [
              '{{job_type}} disk {{disk_io_direction}}',
              orZero(
                sumBy(
                  'job_type, disk_io_direction',
                  rate(series('container_block_io_bytes_total', ...container)),
                ),
              ),
            ],
          ],
        }),
      ],
    },
    {
      title: 'The engine',
      panels: [
        lines({
          title: 'Docker API response times',
          about: '95th percentile by call. Waiting for a container to end is a call too, and a long one.',
          unit: 's',
          queries: [
            [
              '{{docker_operation}}',
              quantile(0.95, 'docker_operation', series('docker_api_duration_seconds_bucket', ...engine)),
            ],
          ],
        }),
        lines({
          title: 'Docker API errors',
          about: 'Calls that were answered 4xx or 5xx in five minutes, or not at all.',
          unit: 'none',
          queries: [
            [
              '{{docker_operation}} {{error_type}}',
              inFive('docker_operation, error_type', series('docker_api_errors_total', ...engine)),
            ],
          ],
        }),
        lines({
          title: 'Docker API calls in flight',
          about: 'Calls without an answer yet. One that only rises: the engine hangs.',
          unit: 'none',
          queries: [
            ['{{docker_operation}}', sumBy('docker_operation', series('docker_api_in_flight', ...engine))],
          ],
        }),
        lines({
          title: 'State of the engine',
          about: 'Changes of its state in five minutes: up, slow, unreachable, invalid.',
          unit: 'none',
          queries: [
            [
              '{{docker_engine_state}}',
              inFive('docker_engine_state', series('docker_engine_changes_total', ...engine)),
            ],
          ],
        }),
      ],
    },
  ],
})
