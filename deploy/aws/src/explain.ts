import { CfnResource, Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/** Takes a finding of cdk-nag as it is, on this construct and what is below it. The reason is for the next reader. */
export const explain = (construct: IConstruct, reasons: Readonly<Record<string, string>>): void => {
  const validations = Validations.of(construct)
  for (const [rule, reason] of Object.entries(reasons))
    validations.acknowledge({ id: rule.startsWith('AwsSolutions-') ? rule : `AwsSolutions-${rule}`, reason })
}

/** The same for a finding of the CDK's own check of templates, and of cfn-lint, which share their rules: F3006 is E3006 there. */
export const explainTemplate = (construct: IConstruct, rule: string, reason: string): void => {
  Validations.of(construct).acknowledge({ id: `CloudFormation-Validate::${rule}`, reason })
  const resource = CfnResource.isCfnResource(construct) ? construct : construct.node.defaultChild
  if (CfnResource.isCfnResource(resource))
    resource.addMetadata('cfn-lint', { config: { ignore_checks: [rule.replace(/^F/, 'E')] } })
}

/** `${…}` in a text of the container's own: not for CloudFormation, which puts something in only below `Fn::Sub`. */
export const explainBraces = (construct: IConstruct): void =>
  explainTemplate(
    construct,
    'E1029',
    'Variables of the Collector or of a script: they are for the container, which gets the text as it is.',
  )
