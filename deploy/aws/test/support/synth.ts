import { readFileSync } from 'node:fs'
import { App } from 'aws-cdk-lib'
import { type Profile, settingsOf } from '../../src/settings.ts'
import { makeStack } from '../../src/stack.ts'

export type Resource = {
  Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template is whatever CloudFormation takes
  Properties: any
  DeletionPolicy?: string
  DependsOn?: string[]
}
export type Template = {
  Resources: Record<string, Resource>
  Outputs: Record<string, { Value: unknown }>
}

export const example = {
  profile: 'hybrid' as Profile,
  region: 'eu-central-1',
  host: 'observability.example.com',
  certificateArn: 'arn:aws:acm:eu-central-1:111122223333:certificate/12345678-1234-1234-1234-123456789012',
  recorderImage: '111122223333.dkr.ecr.eu-central-1.amazonaws.com/throughline/recorder:0.1.0',
}
export const profiles: readonly Profile[] = ['prometheus', 'cloudwatch', 'hybrid']

const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'))

/** The app and its stack as `cdk synth` makes them, with no account and no network. */
export const appOf = (given: Readonly<Record<string, unknown>> = {}): { app: App; name: string } => {
  const app = new App({ analyticsReporting: false, context })
  const settings = settingsOf({ ...example, ...given })
  makeStack(app, settings)
  return { app, name: settings.name }
}

const made = new Map<string, Template>()

export const templateOf = (given: Readonly<Record<string, unknown>> = {}): Template => {
  const key = JSON.stringify(given, (_, value) => value ?? null)
  const known = made.get(key)
  if (known !== undefined) return known
  const { app, name } = appOf(given)
  const assembly = app.synth()
  if (assembly.manifest.missing !== undefined) throw new Error('something would be looked up in an account')
  const template: Template = assembly.getStackByName(name).template
  made.set(key, template)
  return template
}

export const ofType = (template: Template, type: string): [id: string, resource: Resource][] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type)

export const only = (template: Template, type: string): Resource => {
  const found = ofType(template, type)
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type}`)
  return found[0]![1]
}

export type Container = {
  Name: string
  Image: unknown
  Essential: boolean
  User?: string
  Command?: string[]
  EntryPoint?: string[]
  ReadonlyRootFilesystem?: boolean
  Environment?: { Name: string; Value: unknown }[]
  Secrets?: { Name: string; ValueFrom: unknown }[]
  LogConfiguration: { LogDriver: string; Options: Record<string, unknown> }
  MountPoints?: { ContainerPath: string; ReadOnly: boolean; SourceVolume: string }[]
}

/** The task definition of a service: `Collector`, `Recorder` and so on. */
export const taskOf = (
  template: Template,
  service: string,
): { id: string; properties: Resource['Properties'] } => {
  const found = ofType(template, 'AWS::ECS::TaskDefinition').find(([id]) => id.startsWith(service))
  if (found === undefined) throw new Error(`no task ${service}`)
  return { id: found[0], properties: found[1].Properties }
}

export const containerOf = (template: Template, service: string, name: string): Container => {
  const found = (taskOf(template, service).properties.ContainerDefinitions as Container[]).find(
    (container) => container.Name === name,
  )
  if (found === undefined) throw new Error(`no container ${name} in ${service}`)
  return found
}

/** The variables of a container; what CloudFormation puts in is shown as `<…>`. */
export const environmentOf = (container: Container): Record<string, string> =>
  Object.fromEntries((container.Environment ?? []).map(({ Name, Value }) => [Name, textOf(Value)]))

/** A text of a template, with what is not known yet as `<Id.Attribute>`. */
export const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return String(value)
  const [[intrinsic, argument]] = Object.entries(value) as [[string, unknown]]
  if (intrinsic === 'Fn::Join') {
    const [glue, parts] = argument as [string, unknown[]]
    return parts.map(textOf).join(glue)
  }
  if (intrinsic === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`
  if (intrinsic === 'Ref') return `<${argument}>`
  return `<${JSON.stringify(value)}>`
}

export type Statement = {
  Effect: string
  Action: string | string[]
  Resource?: unknown
  Condition?: unknown
  Principal?: unknown
}

/** What the identity policies of a role say. */
export const statementsOf = (template: Template, roleId: string): Statement[] =>
  ofType(template, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => Properties.Roles.some((role: { Ref?: string }) => role.Ref === roleId))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)

export const actionsOf = ({ Action }: Statement): string[] => [Action].flat()
