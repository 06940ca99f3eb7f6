import { ask, jsonOf } from './ask.js'

/**
 * The values of the last five minutes of a gauge that OTLP calls so, over all its series; none when Prometheus does not answer. Its name
 * there has underscores or, if it keeps names as they come, its dots.
 */
export async function prometheusSamples(base: string, name: string, timeoutMs: number): Promise<number[]> {
  const pattern = name.replaceAll('.', '[._]')
  const target = new URL(`${base}/api/v1/query`)
  target.searchParams.set('query', `{__name__=~"${pattern}"}[5m]`)
  const { data } = jsonOf(await ask(target.href, { timeoutMs })) ?? {}
  const { result } = (data ?? {}) as { result?: { values?: [number, string][] }[] }
  return (result ?? []).flatMap(({ values = [] }) => values.map(([, value]) => Number(value)))
}
