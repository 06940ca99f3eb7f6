import { readFileSync } from 'node:fs'

export type Profile = 'prometheus' | 'cloudwatch' | 'hybrid'

/** An identity provider that signs people in at the load balancer. The client's secret lies in Secrets Manager. */
export type Oidc = {
  issuer: string
  authorizationEndpoint: string
  tokenEndpoint: string
  userInfoEndpoint: string
  clientId: string
  clientSecretArn: string
}

/** A network that is there already. Looked up nowhere: what the stack needs to know is written down. */
export type ExistingVpc = {
  id: string
  cidr: string
  availabilityZones: string[]
  /** For the load balancer where `access` is `public`; in the order of the zones. */
  publicSubnets?: string[]
  /** With a way out to AWS: tasks, file system, database, and the load balancer where it is internal. */
  privateSubnets: string[]
}

export type Settings = {
  profile: Profile
  /** Name of the stack, and of its private DNS zone `<name>.internal`. */
  name: string
  region: string
  /** The host name of the certificate: everything is reached at `https://<host>`. */
  host: string
  certificateArn: string | undefined
  /**
   * A public zone of Route 53: the stack makes the certificate, where none is given, and the name of the load
   * balancer.
   */
  hostedZone: { id: string; name: string } | undefined
  access: 'internal' | 'public'
  /** Who may open a connection to the pages and the API. Members of the security group of readers always may. */
  allowedCidrs: string[]
  oidc: Oidc | undefined
  /** Who may send to the Collector. Members of the security group of senders always may. */
  senderCidrs: string[]
  vpc: ExistingVpc | undefined
  /** Of a VPC that the stack makes. One is a single point of failure for what goes out: images, and CloudWatch. */
  natGateways: number
  /** An image in a registry; not given: built from this repository by `cdk deploy`, which needs Docker then. */
  recorderImage: string | undefined
  recorderTasks: number
  /** Records that are older go. */
  recordDays: number
  /** A YAML file: docs/guides/value.md. */
  valueModel: string | undefined
  databaseClass: string
  databaseGiB: number
  /** It grows up to here by itself. */
  databaseMaxGiB: number
  multiAz: boolean
  backupDays: number
  logDays: number
  /** `host:port` of an Alertmanager that takes the alerts of Prometheus. */
  alertmanager: string | undefined
  alarmEmail: string | undefined
  /** ID of a space of CloudWatch Omni: gets the dashboard of business metrics that go to CloudWatch. */
  omniSpace: string | undefined
}

const defaults: Omit<Settings, 'region' | 'host'> = {
  profile: 'hybrid',
  name: 'throughline',
  certificateArn: undefined,
  hostedZone: undefined,
  access: 'internal',
  allowedCidrs: [],
  oidc: undefined,
  senderCidrs: [],
  vpc: undefined,
  natGateways: 1,
  recorderImage: undefined,
  recorderTasks: 2,
  recordDays: 90,
  valueModel: undefined,
  databaseClass: 't4g.medium',
  databaseGiB: 50,
  databaseMaxGiB: 500,
  multiAz: true,
  backupDays: 14,
  logDays: 30,
  alertmanager: undefined,
  alarmEmail: undefined,
  omniSpace: undefined,
}

const profiles: readonly string[] = ['prometheus', 'cloudwatch', 'hybrid']
/** Those that a log group can have, up to a year. */
const logDays: readonly number[] = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365]

/** Reads a file of settings. `profile`, where given, wins over the file's. */
export const readSettings = (path: string, profile?: string): Settings => {
  const given: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new Error(`${path} holds no JSON object`)
  return settingsOf({ ...given, ...(profile === undefined ? {} : { profile }) })
}

/** The settings with their defaults. Throws an error that names what is wrong: nothing is guessed. */
export const settingsOf = (given: Readonly<Record<string, unknown>>): Settings => {
  for (const name of Object.keys(given))
    if (!(name in defaults) && name !== 'region' && name !== 'host')
      throw new Error(`${name} is no setting; there are: host, region, ${Object.keys(defaults).join(', ')}`)
  const settings = { ...defaults, ...given } as Settings
  const { profile, access, oidc, vpc } = settings

  check(profiles.includes(profile), `profile is ${profile}: prometheus, cloudwatch or hybrid`)
  for (const name of ['region', 'host'] as const)
    check(typeof settings[name] === 'string' && settings[name] !== '', `${name} is missing`)
  check(
    /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(settings.host),
    `host is ${settings.host}: a name such as o11y.example.com`,
  )
  check(
    /^[a-z]{2}(?:-[a-z]+)+-\d$/.test(settings.region),
    `region is ${settings.region}: one such as eu-central-1`,
  )
  check(
    /^[a-z][a-z0-9-]{0,30}$/.test(settings.name),
    `name is ${settings.name}: small letters, digits and hyphens`,
  )
  check(
    settings.certificateArn !== undefined || settings.hostedZone !== undefined,
    'certificateArn is missing, and there is no hostedZone to make a certificate in: without TLS nothing is opened',
  )
  check(access === 'internal' || access === 'public', `access is ${access}: internal or public`)
  for (const name of ['allowedCidrs', 'senderCidrs'] as const)
    for (const cidr of settings[name])
      check(isCidr(cidr), `${name} holds ${cidr}: a range such as 10.0.0.0/16`)

  // Prometheus and Jaeger ask nobody who they are. Whoever reaches the load balancer reads them, unless it asks.
  const world = settings.allowedCidrs.filter((cidr) => cidr.endsWith('/0'))
  check(
    world.length === 0 || oidc !== undefined,
    `allowedCidrs holds ${world[0]} and there is no oidc: Prometheus and Jaeger would be open to everybody`,
  )
  check(
    settings.senderCidrs.every((cidr) => !cidr.endsWith('/0')),
    'senderCidrs holds everybody: whoever reaches the Collector writes rows',
  )
  check(
    access === 'internal' || oidc !== undefined || settings.allowedCidrs.length > 0,
    'access is public, but neither oidc nor allowedCidrs says for whom',
  )
  if (oidc !== undefined)
    for (const name of ['issuer', 'authorizationEndpoint', 'tokenEndpoint', 'userInfoEndpoint'] as const)
      check(/^https:\/\/\S+$/.test(oidc[name] ?? ''), `oidc.${name} is not a URL that begins with https://`)
  if (oidc !== undefined)
    for (const name of ['clientId', 'clientSecretArn'] as const)
      check(Boolean(oidc[name]), `oidc.${name} is missing`)
  if (vpc !== undefined) checkVpc(vpc, access)

  check(
    settings.omniSpace === undefined || profile !== 'prometheus',
    'omniSpace is set, but the profile prometheus sends no metrics to CloudWatch',
  )
  check(logDays.includes(settings.logDays), `logDays is ${settings.logDays}: one of ${logDays.join(', ')}`)
  inRange(settings, 'natGateways', 1, 2)
  inRange(settings, 'recorderTasks', 1, 10)
  inRange(settings, 'recordDays', 1, 3_650)
  inRange(settings, 'databaseGiB', 20, 16_384)
  inRange(settings, 'databaseMaxGiB', Math.ceil(settings.databaseGiB * 1.1), 16_384)
  inRange(settings, 'backupDays', 1, 35)
  return settings
}

const checkVpc = (vpc: ExistingVpc, access: Settings['access']): void => {
  check(/^vpc-/.test(vpc.id ?? ''), 'vpc.id is not the ID of a VPC')
  check(isCidr(vpc.cidr ?? ''), 'vpc.cidr is not a range such as 10.0.0.0/16')
  const zones = vpc.availabilityZones?.length ?? 0
  check(zones >= 2, 'vpc.availabilityZones has fewer than two: a load balancer and a database need two')
  check(vpc.privateSubnets?.length === zones, 'vpc.privateSubnets has not one for each zone')
  check(
    access === 'internal' || vpc.publicSubnets?.length === zones,
    'vpc.publicSubnets has not one for each zone, and access is public',
  )
}

const isCidr = (text: string): boolean => {
  const [address = '', bits = ''] = text.split('/')
  const parts = address.split('.')
  return (
    parts.length === 4 &&
    parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255) &&
    /^\d{1,2}$/.test(bits) &&
    Number(bits) <= 32
  )
}

const inRange = (
  settings: Settings,
  name: 'natGateways' | 'recorderTasks' | 'recordDays' | 'databaseGiB' | 'databaseMaxGiB' | 'backupDays',
  least: number,
  most: number,
): void => {
  const value = settings[name]
  check(
    Number.isInteger(value) && value >= least && value <= most,
    `${name} is ${value}, not a whole number from ${least} to ${most}`,
  )
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message)
}
