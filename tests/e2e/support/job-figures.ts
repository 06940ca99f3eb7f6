import { ownEngine } from '../../support/docker-engine.js'

/** Each figure of the jobs and their containers, and the queries that must have an answer after the cases. */
export const jobFigures: [figure: string, ...queries: string[]][] = [
  [
    'the names of the reference',
    'container_job_launches_total',
    'container_job_duration_seconds_count',
    'max_over_time(container_active_jobs[10m]) > 0',
  ],
  ['job launch latency', 'job_launch_latency_seconds_count{job_type="greet"}'],
  ...['queued', 'pulling', 'creating', 'starting', 'running', 'collecting', 'removing'].map(
    (phase): [string, string] => [`phase ${phase}`, `job_phase_duration_seconds_count{job_phase="${phase}"}`],
  ),
  ['container creation time', 'container_create_duration_seconds_count'],
  [
    'batch status checks',
    'job_status_check_duration_seconds_count',
    'job_status_check_jobs_total',
    'rate(job_status_check_jobs_total[1m]) / rate(job_status_check_duration_seconds_sum[1m]) > 0',
  ],
  [
    'Docker API response times',
    'docker_api_duration_seconds_count{docker_operation="POST /containers/{id}/start",http_response_status_code="204"}',
    'docker_api_errors_total{docker_operation="POST /containers/create"}',
    'docker_api_in_flight',
  ],
  ...['pending', 'running', 'completed', 'failed', 'cancelled'].map((status): [string, string] => [
    `jobs by status: ${status}`,
    `job_count{job_status="${status}"}`,
  ]),
  [
    'container CPU and memory',
    'container_cpu_usage_seconds_total{job_type="busy"}',
    'container_cpu_throttled_seconds_total{job_type="busy"}',
    'max_over_time(container_memory_usage_bytes{job_type="busy"}[5m])',
    'max_over_time(container_memory_working_set_bytes{job_type="busy"}[5m])',
    'max_over_time(container_memory_limit_bytes{job_type="busy"}[5m]) == 67108864',
    'container_oom_kills_total',
    'container_network_io_bytes_total{job_type="busy"}',
  ],
  ...[
    ...[
      'ImageNotFound',
      'CreateRefused',
      'StartFailed',
      'OomKilled',
      'ExitCode',
      'JobTimeout',
      'ContainerGone',
    ],
    ...(ownEngine ? ['EngineUnreachable'] : []),
  ].map((type): [string, string] => [`error rates: ${type}`, `job_failures_total{error_type="${type}"}`]),
  [
    'queue depth and processing rate',
    'job_queue_depth',
    'max_over_time(job_queue_oldest_age_seconds[10m]) > 0',
    'rate(job_processed_total[5m]) > 0',
  ],
  [
    'success and failure rate, average duration',
    'job_duration_seconds_count{job_status="completed"}',
    'job_duration_seconds_count{job_status="failed"}',
    'job_duration_seconds_sum / job_duration_seconds_count > 0',
  ],
  ['peak concurrent jobs', 'job_concurrent', 'max_over_time(job_concurrent_peak[10m]) >= 4'],
  ...['cpu', 'memory', 'disk', 'slots'].map((resource): [string, string] => [
    `host utilisation: ${resource}`,
    `host_utilization_ratio{host_resource="${resource}"} <= 1`,
  ]),
]
