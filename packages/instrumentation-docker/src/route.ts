/*
 * From the path of a call to its operation: `/containers/4f1d…/start?` and `POST` are `POST /containers/{id}/start`. What a path may
 * consist of is listed, so that no name, id or word of a caller ever becomes a label; what is not listed is `{other}`.
 */

interface Resource {
  /** What stands for the name of one. */
  readonly one: string
  /** Second words that are no names. */
  readonly words: readonly string[]
  /** What can be done with one. */
  readonly actions: readonly string[]
  /** A name may hold slashes, as that of an image: the action is what the path ends in. */
  readonly deep?: boolean
}

const resources = new Map<string, Resource>([
  [
    'containers',
    {
      one: '{id}',
      words: ['json', 'create', 'prune'],
      actions:
        'json top logs changes export stats resize start stop restart kill update rename pause unpause attach wait archive copy exec checkpoints'.split(
          ' ',
        ),
    },
  ],
  [
    'images',
    {
      one: '{name}',
      words: ['json', 'create', 'search', 'prune', 'load', 'get'],
      actions: ['json', 'history', 'push', 'tag', 'get'],
      deep: true,
    },
  ],
  ['exec', { one: '{id}', words: [], actions: ['start', 'resize', 'json'] }],
  ['networks', { one: '{id}', words: ['create', 'prune'], actions: ['connect', 'disconnect'] }],
  ['volumes', { one: '{name}', words: ['create', 'prune'], actions: [] }],
  ['nodes', { one: '{id}', words: [], actions: ['update'] }],
  ['services', { one: '{id}', words: ['create'], actions: ['update', 'logs'] }],
  ['tasks', { one: '{id}', words: [], actions: ['logs'] }],
  ['secrets', { one: '{id}', words: ['create'], actions: ['update'] }],
  ['configs', { one: '{id}', words: ['create'], actions: ['update'] }],
  [
    'plugins',
    {
      one: '{name}',
      words: ['privileges', 'pull', 'create'],
      actions: ['json', 'enable', 'disable', 'push', 'set', 'upgrade'],
      deep: true,
    },
  ],
  ['distribution', { one: '{name}', words: [], actions: ['json'], deep: true }],
  [
    'swarm',
    { one: '{other}', words: ['init', 'join', 'leave', 'update', 'unlockkey', 'unlock'], actions: [] },
  ],
  ['system', { one: '{other}', words: ['df'], actions: [] }],
  ['build', { one: '{other}', words: ['prune'], actions: [] }],
  ...['_ping', 'info', 'version', 'events', 'auth', 'commit', 'session'].map((name): [string, Resource] => [
    name,
    { one: '{other}', words: [], actions: [] },
  ]),
])

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])

/** `METHOD /template`, of a set that is bounded whatever the path is. */
export function operationOf(method: unknown, path: string): string {
  const verb = typeof method === 'string' && METHODS.has(method) ? method : 'OTHER'
  return `${verb} ${templateOf(segmentsOf(path))}`
}

/** The container that a call is about, as its caller named it: an id or a name. */
export function containerOf(path: string): string | undefined {
  const [first, name] = segmentsOf(path)
  if (first !== 'containers' || name === undefined) return undefined
  return resources.get('containers')?.words.includes(name) ? undefined : name
}

function templateOf([first = '', ...rest]: string[]): string {
  const resource = resources.get(first)
  if (resource === undefined) return '/{other}'
  const [second] = rest
  if (second === undefined) return `/${first}`
  if (rest.length === 1) return `/${first}/${resource.words.includes(second) ? second : resource.one}`
  const action = resource.deep ? (rest.at(-1) ?? '') : (rest[1] ?? '')
  if (resource.actions.includes(action)) {
    const further = !resource.deep && rest.length > 2 ? '/{other}' : ''
    return `/${first}/${resource.one}/${action}${further}`
  }
  // `DELETE /images/library/busybox:1`: all of it is the name.
  return `/${first}/${resource.one}${resource.deep ? '' : '/{other}'}`
}

function segmentsOf(path: string): string[] {
  const query = path.indexOf('?')
  const segments = (query === -1 ? path : path.slice(0, query)).split('/')
  if (segments[0] === '') segments.shift()
  if (segments.length > 1 && /^v\d+\.\d+$/.test(segments[0] ?? '')) segments.shift()
  if (segments.length > 1 && segments.at(-1) === '') segments.pop()
  return segments
}
