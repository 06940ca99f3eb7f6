import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { link, mkdtemp, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBinaries } from '@throughline/cli'
import { locateNative } from '../../packages/cli/src/postgres/native.js'
import { buildFolder, type Connection, folderInMemory, importFolder } from './docker-engine.js'

/*
 * Images of the names and tags that docker-compose.yml has, made without a registry from what this machine has: the Collector and Prometheus
 * of the same versions, built from source; Jaeger 1.62, whose settings are other ones than those of Jaeger 2, so that its program is started
 * by a script that knows them; the Postgres 18.4 of npm, with a script that does what the official image does with the same settings; Node as
 * npm has it. Ours are made by the last stage of their own Dockerfile, and what its first stage would have built is taken from this checkout.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const ACCOUNT = 'root:x:0:0::/:/bin/sh\nthroughline:x:10001:10001::/tmp:/bin/sh\n'

/** Makes all of them; answers their names. */
export async function makeImages(connection: Connection): Promise<string[]> {
  const binaries = await ensureBinaries(['otelcol', 'jaeger', 'prometheus', 'promtool'])
  const program = (name: 'otelcol' | 'jaeger' | 'prometheus' | 'promtool') => binaries.get(name) as string
  const made: string[] = []
  const make = async (image: string, changes: string[], fill: (folder: string) => Promise<void> | void) => {
    await inFolder(async (folder) => {
      for (const name of ['etc', 'tmp', 'bin']) mkdirSync(join(folder, name))
      writeFileSync(join(folder, 'etc/passwd'), ACCOUNT)
      writeFileSync(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\n')
      // As official images have it: a tmpfs takes its rights from the folder that it is mounted over.
      chmodSync(join(folder, 'tmp'), 0o1777)
      await fill(folder)
      await importFolder(connection, folder, image, changes)
    })
    made.push(image)
  }

  await Promise.all([
    make(
      'otel/opentelemetry-collector-contrib:0.155.0',
      ['ENTRYPOINT ["/otelcol-contrib"]', 'USER 10001'],
      (folder) => lay(folder, { '/otelcol-contrib': program('otelcol') }),
    ),
    make('prom/prometheus:v3.14.0', ['ENTRYPOINT ["/bin/prometheus"]', 'USER nobody'], (folder) =>
      lay(folder, { '/bin/prometheus': program('prometheus'), '/bin/promtool': program('promtool') }),
    ),
    make(
      'jaegertracing/jaeger:2.20.0',
      ['ENTRYPOINT ["/bin/jaeger-2-settings"]', 'USER 10001'],
      async (folder) => {
        await lay(folder, { '/bin/jaeger': program('jaeger') })
        addShell(folder, ['wget'])
        script(folder, '/bin/jaeger-2-settings', JAEGER)
      },
    ),
    make(
      'postgres:18.4',
      [
        'ENV PATH=/usr/lib/postgresql/18/bin:/bin',
        'ENV LC_ALL=C',
        'ENTRYPOINT ["/bin/docker-entrypoint.sh"]',
        'CMD ["postgres"]',
      ],
      async (folder) => {
        const native = dirname((await locateNative(undefined, () => {})).bin)
        const home = join(folder, 'usr/lib/postgresql/18')
        cpSync(native, home, { recursive: true, verbatimSymlinks: true })
        addLibraries(folder, join(native, 'bin/postgres'), native)
        addLibraries(folder, join(native, 'bin/initdb'), native)
        addShell(folder, ['mkdir', 'chmod', 'nc', 'tar', 'gzip', 'rm', 'cat'])
        script(folder, '/bin/docker-entrypoint.sh', POSTGRES)
        script(folder, '/bin/pg_isready', '#!/bin/sh\nnc -w 1 127.0.0.1 5432 </dev/null >/dev/null\n')
      },
    ),
    make(nodeImage(), ['ENV PATH=/usr/local/bin:/bin'], async (folder) => {
      await lay(folder, { '/usr/local/bin/node': process.execPath })
      addShell(folder, ['tar', 'gzip'])
    }),
  ])

  const build = async (name: string) => {
    const image = `throughline/${name}:0.1.0`
    await inFolder(async (folder) => {
      execFileSync(process.execPath, [join(root, 'deploy/docker/assemble.mjs'), name, join(folder, 'out')])
      writeFileSync(join(folder, 'Dockerfile'), lastStage(dockerfile(name)))
      await buildFolder(connection, folder, image)
    })
    made.push(image)
  }
  await Promise.all([build('recorder'), build('example')])
  return made
}

const dockerfile = (name: string) => readFileSync(join(root, `deploy/docker/${name}.Dockerfile`), 'utf8')

/** The base that our images name. */
const nodeImage = (): string => /^FROM (\S+)$/m.exec(dockerfile('recorder'))?.[1] as string

/** The same file, its first stage being what was built here. */
function lastStage(text: string): string {
  const [, before, stage, rest] = /^(#.*\n)(FROM \S+ AS build\n(?:.+\n)+)(\nFROM [\s\S]+)$/.exec(text) ?? []
  if (stage === undefined) throw new Error('the Dockerfile has no first stage `build`')
  return `${before}FROM scratch AS build\nCOPY out /out\n${rest}`
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(folderInMemory(), 'tl-image-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Programs by their place in the image, with their libraries. A hard link where that is possible: they are large. */
async function lay(folder: string, programs: Record<string, string>): Promise<void> {
  for (const [place, path] of Object.entries(programs)) {
    const target = join(folder, place)
    mkdirSync(dirname(target), { recursive: true })
    await link(path, target).catch(() => copyFileSync(path, target))
    addLibraries(folder, path)
  }
}

/** The system's libraries that a program loads, where it looks for them; those below `own` are in the image already. */
function addLibraries(folder: string, program: string, own = '/nowhere'): void {
  // Of a program that is static it says so and fails.
  const listed = spawnSync('/usr/bin/ldd', [program], { encoding: 'utf8' }).stdout
  for (const [, path] of listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)) {
    if (path === undefined || path.startsWith(own)) continue
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    copyFileSync(path, join(folder, path))
  }
}

function addShell(folder: string, applets: string[]): void {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/bin', '/usr/bin']
  const found = execFileSync('sh', ['-c', 'command -v busybox'], {
    encoding: 'utf8',
    env: { PATH: places.join(delimiter) },
  })
  copyFileSync(found.trim(), join(folder, 'bin/busybox'))
  for (const applet of ['sh', ...applets]) symlinkSync('busybox', join(folder, 'bin', applet))
}

const script = (folder: string, place: string, text: string): void =>
  writeFileSync(join(folder, place), text, { mode: 0o755 })

/** Jaeger 2 listens on these ports at JAEGER_LISTEN_HOST; 1.62 is told by options. Its health is wherever its admin port is asked. */
const JAEGER = `#!/bin/sh
export COLLECTOR_OTLP_ENABLED=true SPAN_STORAGE_TYPE=memory
exec /bin/jaeger --query.http-server.host-port=$JAEGER_LISTEN_HOST:16686 --collector.otlp.grpc.host-port=$JAEGER_LISTEN_HOST:4317 \\
  --admin.http.host-port=$JAEGER_LISTEN_HOST:13133 --memory.max-traces=100000
`

/** The official image's settings, as far as docker-compose.yml uses them. */
const POSTGRES = `#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA"
  initdb -D "$PGDATA" -U postgres --pwfile="$POSTGRES_PASSWORD_FILE" --encoding=UTF8 --locale=C $POSTGRES_INITDB_ARGS
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres >/dev/null
fi
exec "$@" -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
`
