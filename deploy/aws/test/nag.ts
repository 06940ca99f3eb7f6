import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AwsSolutionsChecks } from 'cdk-nag'
import { appOf, profiles } from './support/synth.ts'

const oidc = {
  issuer: 'https://login.example.com',
  authorizationEndpoint: 'https://login.example.com/authorize',
  tokenEndpoint: 'https://login.example.com/token',
  userInfoEndpoint: 'https://login.example.com/userinfo',
  clientId: 'throughline',
  clientSecretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:oidc-AbCdEf',
}
const key = 'aws:cdk:acknowledged-rules'

const findings = (given: Record<string, unknown>): string[] => {
  const { app } = appOf(given)
  app.synth()
  const { violations } = new AwsSolutionsChecks().validateScope(app)
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  )
}

for (const profile of profiles)
  test(`cdk-nag finds nothing in profile ${profile} that is not explained`, () => {
    assert.deepEqual(findings({ profile }), [])
  })

test('cdk-nag finds nothing in the other ways to set it up either', () => {
  assert.deepEqual(findings({ access: 'public', oidc, allowedCidrs: ['0.0.0.0/0'] }), [])
  assert.deepEqual(
    findings({ hostedZone: { id: 'Z123', name: 'example.com' }, certificateArn: undefined }),
    [],
  )
})

test('every explanation is of something that cdk-nag would say', () => {
  const { app } = appOf({ access: 'public', oidc, allowedCidrs: ['0.0.0.0/0'] })
  app.synth()
  const told = new Map<string, string>()
  for (const construct of app.node.findAll())
    for (const entry of construct.node.metadata.filter(({ type }) => type === key))
      for (const [id, reason] of Object.entries(entry.data as Record<string, string>)) {
        if (!id.includes('AwsSolutions-')) continue
        assert.ok(String(reason).length > 20, `${construct.node.path} ${id}`)
        told.set(`${construct.node.path} ${id.replace(/^annotation::/i, '')}`, construct.node.path)
      }
  assert.ok(told.size > 5)
  // As if nothing were explained: each must come up again, at its construct or below.
  const pack = new AwsSolutionsChecks()
  Object.assign(pack, { isAcknowledged: () => false })
  const { violations } = pack.validateScope(app)
  const said = violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => ({ ruleName, path: String(constructPath) })),
  )
  for (const [what, path] of told) {
    const rule = what.slice(path.length + 1)
    assert.ok(
      said.some((one) => one.ruleName === rule && one.path.startsWith(path)),
      `nothing says ${what}`,
    )
  }
})
