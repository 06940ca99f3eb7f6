export { type FinishedSpan, PostgresSpanExporter } from './span-exporter/span-exporter.js'
