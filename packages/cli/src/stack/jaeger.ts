import type { Ports } from './ports.js'
import type { ProcessSpec } from './process.js'

/** Jaeger all-in-one with its traces in memory. Of its dozen listeners two are used; the rest take any free port of loopback. */
export function jaegerProcess(binary: string, ports: Ports): ProcessSpec {
  const url = `http://127.0.0.1:${ports.jaeger}`
  const unused = [
    'admin.http.host-port',
    'collector.grpc-server.host-port',
    'collector.http-server.host-port',
    'collector.otlp.http.host-port',
    'http-server.host-port',
    'processor.jaeger-binary.server-host-port',
    'processor.jaeger-compact.server-host-port',
    'processor.zipkin-compact.server-host-port',
    'query.grpc-server.host-port',
  ]
  return {
    name: 'jaeger',
    url,
    command: binary,
    args: [
      `--query.http-server.host-port=127.0.0.1:${ports.jaeger}`,
      `--collector.otlp.grpc.host-port=127.0.0.1:${ports.jaegerOtlp}`,
      ...unused.map((flag) => `--${flag}=127.0.0.1:0`),
      // Some 500 MB of usual traces; unbounded is the default.
      '--memory.max-traces=100000',
      '--log-level=info',
    ],
    env: {
      COLLECTOR_OTLP_ENABLED: 'true',
      SPAN_STORAGE_TYPE: 'memory',
      // It would send traces of its own queries to localhost:4317, which is our Collector, and wait 10 s for it at its end.
      OTEL_TRACES_SAMPLER: 'always_off',
    },
    healthUrl: `${url}/api/services`,
    // Its traces are in memory: there is nothing to wait for.
    stopDeadlineMs: 2_000,
  }
}
