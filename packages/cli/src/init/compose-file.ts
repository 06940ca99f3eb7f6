import type { Profile } from '../stack/collector.js'

/** The versions that this release was made with; a test holds them against docker-compose.yml of the repository. */
export const IMAGES = {
  collector: 'otel/opentelemetry-collector-contrib:0.155.0',
  jaeger: 'jaegertracing/jaeger:2.20.0',
  node: 'node:24.21.0-slim',
  postgres: 'postgres:18.4',
  prometheus: 'prom/prometheus:v3.14.0',
} as const

/** A compose file of the pipeline for one service: what it needs while it is developed, on 127.0.0.1 alone. */
export function composeFile(profile: Profile, project: string, version: string): string {
  const prometheus = profile !== 'cloudwatch'
  const aws = profile !== 'prometheus'
  return `# The pipeline of this service: docker compose -f <this file> up --wait
# Written by throughline init, and yours from then on. For development: ports on 127.0.0.1, one database user, no limits.
name: ${JSON.stringify(project)}

services:
  postgres:
    image: ${IMAGES.postgres}
    environment:
      POSTGRES_DB: throughline
      POSTGRES_PASSWORD: "\${POSTGRES_PASSWORD:?it stands in the file .env beside this one}"
    volumes: [postgres:/var/lib/postgresql]
    ports: ["127.0.0.1:\${THROUGHLINE_PORT_POSTGRES:-54329}:5432"]
    healthcheck: {test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, postgres, -d, throughline], interval: 2s, timeout: 5s, retries: 60}

  # Makes the schema, and admits the token that the Collector and the service send with.
  schema:
    build: &recorder
      dockerfile_inline: |
        FROM ${IMAGES.node}
        WORKDIR /app
        RUN npm install --omit=dev --no-audit --no-fund @throughline/recorder@${version} @throughline/postgres@${version}
        ENV NODE_ENV=production
        USER node
    command:
      - node
      - --input-type=module
      - --eval
      - |
        import { migrate } from '@throughline/postgres'
        import { createToken } from '@throughline/postgres/tokens'
        import pg from 'pg'
        const { THROUGHLINE_DATABASE_URL: url, THROUGHLINE_INGEST_TOKEN: secret } = process.env
        await migrate(url)
        const pool = new pg.Pool({ connectionString: url })
        await createToken(pool, { name: 'compose', role: 'ingest', secret })
        await pool.end()
    environment: &database
      THROUGHLINE_DATABASE_URL: "postgres://postgres:\${POSTGRES_PASSWORD}@postgres:5432/throughline"
      THROUGHLINE_INGEST_TOKEN: "\${THROUGHLINE_INGEST_TOKEN:?it stands in the file .env beside this one}"
    depends_on:
      postgres: {condition: service_healthy}

  recorder:
    build: *recorder
    command: [node, node_modules/@throughline/recorder/dist/main.js]
    environment:
      <<: *database
      THROUGHLINE_RECORDER_HOST: 0.0.0.0
      THROUGHLINE_RECORDER_COLLECTOR_URL: http://collector:8888/metrics
      THROUGHLINE_RECORDER_JAEGER_URL: http://jaeger:16686
      THROUGHLINE_RECORDER_TRACE_LINK: "http://127.0.0.1:\${THROUGHLINE_PORT_JAEGER:-16686}/trace/{trace_id}"
${prometheus ? '      THROUGHLINE_RECORDER_PROMETHEUS_URL: http://prometheus:9090\n' : ''}    depends_on:
      schema: {condition: service_completed_successfully}
    ports: ["127.0.0.1:\${THROUGHLINE_PORT_RECORDER:-4400}:4400"]
    healthcheck:
      test: [CMD, node, --eval, "fetch('http://127.0.0.1:4400/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
      interval: 5s
      timeout: 5s
      retries: 12

  # The Collector's image runs as user 10001, and a new volume belongs to root.
  queues:
    image: ${IMAGES.postgres}
    user: "0:0"
    entrypoint: [chown, "10001:10001", /queues]
    network_mode: none
    volumes: [collector:/queues]

  collector:
    image: ${IMAGES.collector}
    command: [--config=/etc/throughline/base.yaml, --config=/etc/throughline/profiles/${profile}.yaml]
    environment:
      THROUGHLINE_OTLP_HTTP: 0.0.0.0:4318
      THROUGHLINE_OTLP_GRPC: 0.0.0.0:4317
      THROUGHLINE_COLLECTOR_METRICS_HOST: 0.0.0.0
      THROUGHLINE_INGEST_TOKEN: "\${THROUGHLINE_INGEST_TOKEN}"
      THROUGHLINE_RECORDER_URL: http://recorder:4400
      THROUGHLINE_JAEGER_OTLP: jaeger:4317
${prometheus ? '      THROUGHLINE_PROMETHEUS_URL: http://prometheus:9090\n' : ''}${aws ? AWS : ''}    volumes:
      - ./collector:/etc/throughline:ro
      - collector:/var/lib/throughline/collector
    depends_on:
      queues: {condition: service_completed_successfully}
      recorder: {condition: service_healthy}
    ports:
      - "127.0.0.1:\${THROUGHLINE_PORT_OTLP_GRPC:-4317}:4317"
      - "127.0.0.1:\${THROUGHLINE_PORT_OTLP_HTTP:-4318}:4318"

  jaeger:
    image: ${IMAGES.jaeger}
    environment:
      JAEGER_LISTEN_HOST: 0.0.0.0
      # Traces of its own queries would come back to it.
      OTEL_TRACES_SAMPLER: always_off
    ports: ["127.0.0.1:\${THROUGHLINE_PORT_JAEGER:-16686}:16686"]
${prometheus ? PROMETHEUS : ''}
volumes:
  postgres: {}
  collector: {}
${prometheus ? '  prometheus: {}\n' : ''}`
}

/** The signer wants credentials when it starts: those of the shell that runs compose. */
const AWS = `      AWS_REGION: "\${AWS_REGION:-us-east-1}"
      AWS_ACCESS_KEY_ID: "\${AWS_ACCESS_KEY_ID:?CloudWatch needs credentials}"
      AWS_SECRET_ACCESS_KEY: "\${AWS_SECRET_ACCESS_KEY:?CloudWatch needs credentials}"
      AWS_SESSION_TOKEN: "\${AWS_SESSION_TOKEN:-}"
      THROUGHLINE_CLOUDWATCH_URL: "https://monitoring.\${AWS_REGION:-us-east-1}.amazonaws.com"
`

const PROMETHEUS = `
  prometheus:
    image: ${IMAGES.prometheus}
    command:
      - --config.file=/etc/throughline/prometheus.yaml
      - --storage.tsdb.path=/prometheus
      - --storage.tsdb.retention.time=15d
      - --web.enable-otlp-receiver
      - --enable-feature=exemplar-storage
    volumes:
      - ./prometheus.yaml:/etc/throughline/prometheus.yaml:ro
      - prometheus:/prometheus
    ports: ["127.0.0.1:\${THROUGHLINE_PORT_PROMETHEUS:-9090}:9090"]
`
