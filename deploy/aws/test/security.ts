import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  actionsOf,
  type Container,
  containerOf,
  ofType,
  only,
  profiles,
  type Statement,
  statementsOf,
  taskOf,
  templateOf,
  textOf,
} from './support/synth.ts'

const oidc = {
  issuer: 'https://login.example.com',
  authorizationEndpoint: 'https://login.example.com/authorize',
  tokenEndpoint: 'https://login.example.com/token',
  userInfoEndpoint: 'https://login.example.com/userinfo',
  clientId: 'throughline',
  clientSecretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:oidc-AbCdEf',
}

for (const profile of profiles)
  describe(`profile ${profile}`, () => {
    const template = templateOf({ profile })

    test('holds no secret: each is made in the account, and handed over by reference', () => {
      for (const [id, { Properties }] of ofType(template, 'AWS::SecretsManager::Secret')) {
        if (Properties.SecretString === undefined)
          assert.deepEqual(
            Properties.GenerateSecretString,
            { PasswordLength: 43, ExcludePunctuation: true },
            id,
          )
        else
          assert.match(
            textOf(Properties.SecretString),
            /^(?:(?:authorization=Bearer%20)?tl_(?:ingest|read)_|postgres:\/\/throughline_[a-z]+:)\{\{resolve:secretsmanager:<Secrets\w+>:SecretString:::\}\}/,
            id,
          )
      }
      for (const [, { Properties }] of ofType(template, 'AWS::ECS::TaskDefinition'))
        for (const { Name, Environment = [] } of Properties.ContainerDefinitions as Container[])
          for (const { Name: variable, Value } of Environment) {
            assert.doesNotMatch(variable, /PASSWORD|TOKEN|SECRET|DATABASE_URL/, Name)
            assert.doesNotMatch(
              textOf(Value),
              /\{\{resolve:|tl_(?:ingest|read|admin)_|postgres:\/\/\w+:/,
              Name,
            )
          }
      const database = only(template, 'AWS::RDS::DBInstance').Properties
      assert.equal(database.ManageMasterUserPassword, true)
      assert.equal(database.MasterUserPassword, undefined)
    })

    test('reads of the secrets what each task needs and no more', () => {
      const read = (service: string): string[] =>
        statementsOf(template, taskOf(template, service).properties.ExecutionRoleArn['Fn::GetAtt'][0])
          .filter((statement) => actionsOf(statement).includes('secretsmanager:GetSecretValue'))
          .flatMap(({ Resource }) => [Resource].flat())
          .map((resource) => textOf(resource).replace(/^<(?:Secrets)?(.*?)[0-9A-F]{8}(?:\..*)?>$/, '$1'))
          .sort()
      assert.deepEqual(read('Collector'), ['CollectorToken', 'ServicesToken'])
      assert.deepEqual(read('Jaeger'), [])
      if (profile === 'cloudwatch') return
      assert.deepEqual(read('Prometheus'), ['PrometheusToken'])
      assert.deepEqual(read('Grafana'), ['GrafanaKey', 'GrafanaPassword', 'ReaderPassword'])
    })

    test('may send metrics to CloudWatch where the profile does, from the Collector alone', () => {
      const senders = ofType(template, 'AWS::IAM::Role')
        .map(([id]) => id)
        .filter((id) =>
          statementsOf(template, id).some((statement) =>
            actionsOf(statement).includes('cloudwatch:PutMetricData'),
          ),
        )
      const role = taskOf(template, 'Collector').properties.TaskRoleArn['Fn::GetAtt'][0]
      assert.deepEqual(senders, profile === 'prometheus' ? [] : [role])
    })

    test('allows no role an action by wildcard', () => {
      const statements = [
        ...ofType(template, 'AWS::IAM::Policy').flatMap(
          ([, { Properties }]) => Properties.PolicyDocument.Statement,
        ),
        ...ofType(template, 'AWS::IAM::Role').flatMap(([, { Properties }]) =>
          (Properties.Policies ?? []).flatMap(
            (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
          ),
        ),
      ] as Statement[]
      for (const statement of statements)
        for (const action of actionsOf(statement)) assert.doesNotMatch(action, /\*/)
      for (const [id, { Properties }] of ofType(template, 'AWS::IAM::Role'))
        assert.equal(Properties.ManagedPolicyArns, undefined, id)
      const roles = Object.fromEntries(
        ['Recorder', 'Jaeger'].map((name) => [
          name,
          taskOf(template, name).properties.TaskRoleArn['Fn::GetAtt'][0],
        ]),
      )
      for (const [name, id] of Object.entries(roles)) assert.deepEqual(statementsOf(template, id), [], name)
    })

    test('mounts files over TLS, as its own role, through a folder of its own', () => {
      const files = only(template, 'AWS::EFS::FileSystem')
      assert.equal(files.Properties.Encrypted, true)
      assert.equal(files.DeletionPolicy, 'Retain')
      assert.deepEqual(files.Properties.BackupPolicy, { Status: 'ENABLED' })
      const policy = files.Properties.FileSystemPolicy.Statement as Statement[]
      assert.ok(policy.every(({ Effect }) => Effect === 'Deny'))
      assert.ok(
        policy.some(
          ({ Condition }) => JSON.stringify(Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
        ),
      )

      const volumes = ofType(template, 'AWS::ECS::TaskDefinition').flatMap(([id, { Properties }]) =>
        (Properties.Volumes ?? [])
          .filter(
            ({ EFSVolumeConfiguration }: Record<string, unknown>) => EFSVolumeConfiguration !== undefined,
          )
          .map(({ EFSVolumeConfiguration }: Record<string, unknown>) => [id, EFSVolumeConfiguration]),
      )
      assert.equal(volumes.length, profile === 'cloudwatch' ? 1 : 3)
      const folders = new Set<string>()
      for (const [id, volume] of volumes) {
        assert.equal(volume.TransitEncryption, 'ENABLED')
        assert.equal(volume.AuthorizationConfig.IAM, 'ENABLED')
        const folder = volume.AuthorizationConfig.AccessPointId.Ref
        folders.add(folder)
        const { PosixUser, RootDirectory } = template.Resources[folder]!.Properties
        assert.notEqual(PosixUser.Uid, '0')
        assert.equal(RootDirectory.CreationInfo.Permissions, '0700')
        const role = template.Resources[id]!.Properties.TaskRoleArn['Fn::GetAtt'][0]
        const mounting = statementsOf(template, role).filter((statement) =>
          actionsOf(statement).includes('elasticfilesystem:ClientMount'),
        )
        assert.equal(mounting.length, 1)
        assert.match(
          JSON.stringify(mounting[0]!.Condition),
          new RegExp(`elasticfilesystem:AccessPointArn.*${folder}`),
        )
      }
      assert.equal(folders.size, volumes.length)
    })

    test('lets nobody in from everywhere', () => {
      const rules = [
        ...ofType(template, 'AWS::EC2::SecurityGroupIngress').map(([, { Properties }]) => Properties),
        ...ofType(template, 'AWS::EC2::SecurityGroup').flatMap(
          ([, { Properties }]) => Properties.SecurityGroupIngress ?? [],
        ),
      ]
      assert.ok(rules.length > 10)
      for (const rule of rules) {
        assert.equal(rule.CidrIp, undefined, rule.Description)
        assert.equal(rule.CidrIpv6, undefined, rule.Description)
        assert.equal(rule.FromPort, rule.ToPort)
      }
      // Out: 443, or another group of this stack.
      const out = ofType(template, 'AWS::EC2::SecurityGroup').flatMap(
        ([, { Properties }]) => Properties.SecurityGroupEgress ?? [],
      )
      for (const rule of out)
        if (rule.CidrIp === '0.0.0.0/0') assert.deepEqual([rule.FromPort, rule.ToPort], [443, 443])
        else assert.equal(rule.CidrIp, '255.255.255.255/32')
    })

    test('is entered by TLS alone, and from inside', () => {
      assert.equal(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Properties.Scheme, 'internal')
      const listeners = ofType(template, 'AWS::ElasticLoadBalancingV2::Listener').map(
        ([, { Properties }]) => Properties,
      )
      assert.deepEqual(listeners.map(({ Port }) => Port).sort(), [4318, 443])
      for (const listener of listeners) {
        assert.equal(listener.Protocol, 'HTTPS')
        assert.match(listener.SslPolicy, /^ELBSecurityPolicy-TLS13-1-2-/)
      }
    })

    test('keeps the database to itself', () => {
      const { Properties, DeletionPolicy } = only(template, 'AWS::RDS::DBInstance')
      assert.equal(DeletionPolicy, 'Snapshot')
      assert.deepEqual(
        {
          public: Properties.PubliclyAccessible,
          encrypted: Properties.StorageEncrypted,
          protected: Properties.DeletionProtection,
          zones: Properties.MultiAZ,
          backups: Properties.BackupRetentionPeriod,
          engine: `${Properties.Engine} ${Properties.EngineVersion}`,
        },
        { public: false, encrypted: true, protected: true, zones: true, backups: 14, engine: 'postgres 18' },
      )
      assert.equal(only(template, 'AWS::RDS::DBParameterGroup').Properties.Parameters['rds.force_ssl'], '1')
      for (const [id, { Properties }] of ofType(template, 'AWS::SecretsManager::Secret'))
        if (id.includes('Url'))
          assert.match(textOf(Properties.SecretString), /sslmode=verify-full&sslrootcert=/)
    })
  })

const ruleFor = (template: ReturnType<typeof templateOf>, path: string) =>
  ofType(template, 'AWS::ElasticLoadBalancingV2::ListenerRule')
    .map(([, { Properties }]) => Properties)
    .find(({ Conditions }) => Conditions[0].PathPatternConfig.Values.includes(path))

test('pages are under their paths, everything else is the recorder', () => {
  const template = templateOf()
  for (const path of ['/grafana/*', '/prometheus/*', '/jaeger/*'])
    assert.deepEqual(
      ruleFor(template, path).Actions.map(({ Type }: { Type: string }) => Type),
      ['forward'],
    )
  assert.equal(
    ruleFor(template, '/prometheus/api/v1/otlp/*').Actions[0].FixedResponseConfig.StatusCode,
    '403',
  )
  assert.ok(
    ruleFor(template, '/prometheus/api/v1/otlp/*').Priority < ruleFor(template, '/prometheus/*').Priority,
  )
  const pages = ofType(template, 'AWS::ElasticLoadBalancingV2::Listener').find(
    ([, { Properties }]) => Properties.Port === 443,
  )![1]
  assert.match(JSON.stringify(pages.Properties.DefaultActions), /Targetrecorder/i)
})

test('senders reach the way in and the question what has arrived, and no page', () => {
  const template = templateOf()
  const listener = ofType(template, 'AWS::ElasticLoadBalancingV2::Listener').find(
    ([, { Properties }]) => Properties.Port === 4318,
  )!
  assert.match(JSON.stringify(listener[1].Properties.DefaultActions), /Targetcollector/i)
  assert.deepEqual(ruleFor(template, '/v1/confirm').ListenerArn, { Ref: listener[0] })
  assert.match(JSON.stringify(ruleFor(template, '/v1/confirm').Actions), /Targetrecorder/i)
  const senders = ofType(template, 'AWS::EC2::SecurityGroupEgress')
    .map(([, { Properties }]) => Properties)
    .filter(({ GroupId }) => /Senders/.test(JSON.stringify(GroupId)))
  assert.deepEqual(
    senders.map(({ FromPort }) => FromPort),
    [4318],
  )
})

test('with an identity provider people sign in before they see a page; tokens go on working', () => {
  const template = templateOf({ access: 'public', oidc, allowedCidrs: ['0.0.0.0/0'] })
  assert.equal(
    only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Properties.Scheme,
    'internet-facing',
  )
  for (const path of ['/grafana/*', '/prometheus/*', '/jaeger/*']) {
    const [first, second] = ruleFor(template, path).Actions
    assert.equal(first.Type, 'authenticate-oidc')
    assert.match(textOf(first.AuthenticateOidcConfig.ClientSecret), /^\{\{resolve:secretsmanager:/)
    assert.equal(second.Type, 'forward')
  }
  // The world comes as far as the load balancer, and only to its pages.
  const open = ofType(template, 'AWS::EC2::SecurityGroup')
    .flatMap(([id, { Properties }]) =>
      (Properties.SecurityGroupIngress ?? []).map((rule: { CidrIp: string; FromPort: number }) => ({
        id,
        ...rule,
      })),
    )
    .filter(({ CidrIp }) => CidrIp === '0.0.0.0/0')
  assert.deepEqual(
    open.map(({ FromPort }) => FromPort),
    [443],
  )
})

test('the recorder has no rights of the first user; only the container before it does', () => {
  const template = templateOf()
  const names = (container: string): string[] =>
    (containerOf(template, 'Recorder', container).Secrets ?? []).map(({ Name }) => Name).sort()
  assert.deepEqual(names('recorder'), ['THROUGHLINE_DATABASE_URL', 'THROUGHLINE_MAINTENANCE_URL'])
  assert.ok(names('prepare').includes('ADMIN_PASSWORD'))
})
