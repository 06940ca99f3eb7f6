/** Those of docker-compose.yml, which a test compares. */
export const images = {
  collector: 'otel/opentelemetry-collector-contrib:0.155.0',
  jaeger: 'jaegertracing/jaeger:2.20.0',
  prometheus: 'prom/prometheus:v3.14.0',
  grafana: 'grafana/grafana:13.2.0',
} as const
