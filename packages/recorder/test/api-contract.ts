import Ajv, { type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { expect } from 'vitest'

type Document = {
  paths: Record<
    string,
    Record<
      string,
      { description: string; responses: Record<string, { content?: Record<string, { schema: object }> }> }
    >
  >
}

/**
 * A fetch that holds every answer against the OpenAPI document of the recorder that gives it: path, method, status,
 * content type and body must be there.
 */
export const contractOf = async (url: string) => {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as Document
  const ajv = new Ajv.default({ strict: false, allErrors: true })
  formats.default(ajv)
  const compiled = new Map<object, ValidateFunction>()
  const routes = Object.entries(document.paths).map(([path, methods]) => ({
    path,
    methods,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
  }))
  const seen = new Set<string>()

  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(`${url}${path}`, init)
    const name = path.split('?', 1)[0]!
    const method = (init.method ?? 'GET').toLowerCase()
    const route = routes
      .filter(({ pattern }) => pattern.test(name))
      .sort((a, b) => a.path.split('{').length - b.path.split('{').length)[0]
    const described = route?.methods[method]?.responses[String(answer.status)]
    expect(
      described,
      `${method} ${name} answers ${answer.status}: ${await answer.clone().text()}`,
    ).toBeDefined()
    const type = answer.headers.get('content-type')!.split(';', 1)[0]!
    const schema = described!.content?.[type]?.schema
    expect(schema, `${method} ${name} ${answer.status} answers ${type}`).toBeDefined()
    seen.add(`${method} ${route!.path} ${answer.status}`)
    if (/[/+]json$/.test(type)) {
      let check = compiled.get(schema!)
      if (check === undefined) {
        check = ajv.compile(schema!)
        compiled.set(schema!, check)
      }
      check(await answer.clone().json())
      expect(check.errors ?? [], `${method} ${path}`).toEqual([])
    }
    return answer
  }
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const answer = await ask(path, init)
    return (await answer.json()) as T
  }
  return { document, ask, json, seen }
}
