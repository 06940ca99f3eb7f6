import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { settingsOf } from '../src/settings.ts'
import { example } from './support/synth.ts'

const refused = (given: Record<string, unknown>, message: RegExp): void => {
  assert.throws(() => settingsOf({ ...example, ...given }), message)
}
const oidc = {
  issuer: 'https://login.example.com',
  authorizationEndpoint: 'https://login.example.com/authorize',
  tokenEndpoint: 'https://login.example.com/token',
  userInfoEndpoint: 'https://login.example.com/userinfo',
  clientId: 'throughline',
  clientSecretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:oidc-AbCdEf',
}

test('the example file is taken, and the profile is hybrid unless something else is said', () => {
  const file = JSON.parse(readFileSync(new URL('../settings.example.json', import.meta.url), 'utf8'))
  assert.equal(settingsOf(file).profile, 'hybrid')
  const { profile: _, ...rest } = file
  assert.equal(settingsOf(rest).profile, 'hybrid')
})

test('what is wrong is refused with its name', () => {
  refused({ profil: 'hybrid' }, /profil is no setting/)
  refused({ profile: 'grafana' }, /profile is grafana/)
  refused({ region: 'Frankfurt' }, /region is Frankfurt/)
  refused({ host: 'localhost' }, /host is localhost/)
  refused({ certificateArn: undefined }, /certificateArn is missing/)
  refused({ allowedCidrs: ['10.0.0.0'] }, /allowedCidrs holds 10\.0\.0\.0/)
  refused({ allowedCidrs: ['10.0.0.256/8'] }, /allowedCidrs holds/)
  refused({ logDays: 31 }, /logDays is 31/)
  refused({ profile: 'prometheus', omniSpace: 'space-1' }, /omniSpace is set/)
  refused({ recorderTasks: 0 }, /recorderTasks is 0/)
  refused({ databaseGiB: 100, databaseMaxGiB: 105 }, /databaseMaxGiB is 105/)
  refused(
    { vpc: { id: 'vpc-1', cidr: '10.0.0.0/16', availabilityZones: ['a'], privateSubnets: ['s'] } },
    /fewer than two/,
  )
})

test('Prometheus and Jaeger are never open to everybody without a sign-in', () => {
  refused({ access: 'public', allowedCidrs: ['0.0.0.0/0'] }, /open to everybody/)
  refused({ allowedCidrs: ['0.0.0.0/0'] }, /open to everybody/)
  refused({ access: 'public' }, /for whom/)
  refused({ senderCidrs: ['0.0.0.0/0'] }, /senderCidrs holds everybody/)
  refused({ oidc: { ...oidc, issuer: 'http://login.example.com' } }, /oidc\.issuer/)
  refused({ oidc: { ...oidc, clientSecretArn: undefined } }, /oidc\.clientSecretArn/)
  assert.equal(
    settingsOf({ ...example, access: 'public', oidc, allowedCidrs: ['0.0.0.0/0'] }).access,
    'public',
  )
  assert.equal(
    settingsOf({ ...example, access: 'public', allowedCidrs: ['198.51.100.0/24'] }).access,
    'public',
  )
})

test('the guide has every setting, and no other', () => {
  const guide = readFileSync(new URL('../../../docs/guides/aws.md', import.meta.url), 'utf8')
  const section = /## Settings\n([\s\S]*?)\n## /.exec(guide)?.[1] ?? ''
  const documented = [...section.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names]) =>
    [...names!.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  )
  assert.deepEqual(documented.sort(), Object.keys(settingsOf(example)).sort())
})
