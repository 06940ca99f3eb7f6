import { RemovalPolicy, type Stack } from 'aws-cdk-lib'
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2'
import { type AccessPoint, FileSystem, PerformanceMode, ThroughputMode } from 'aws-cdk-lib/aws-efs'
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Network } from './network.ts'

export type FileStore = {
  system: FileSystem
  securityGroup: SecurityGroup
  /** A folder that its task sees as the root, and in which everything belongs to one user. */
  folder: (id: string, path: string, user: { uid: number; gid: number }) => AccessPoint
}

/**
 * One file system, encrypted, with a copy every day that AWS Backup keeps for 35. Only NFS over TLS is taken, and
 * only from roles that may: the policy allows nobody, so what a task's own role says holds. It stays when the stack
 * goes.
 */
export const makeFileStore = (stack: Stack, network: Network): FileStore => {
  const securityGroup = new SecurityGroup(stack, 'FilesAccess', {
    vpc: network.vpc,
    description: 'File system of Throughline',
    allowAllOutbound: false,
  })
  const system = new FileSystem(stack, 'Files', {
    vpc: network.vpc,
    vpcSubnets: network.data,
    securityGroup,
    encrypted: true,
    // Bursting would be slow for small file systems, and small is what this one is.
    throughputMode: ThroughputMode.ELASTIC,
    performanceMode: PerformanceMode.GENERAL_PURPOSE,
    enableAutomaticBackups: true,
    // Anonymous clients get nothing, since the policy below allows nothing. `false` would add a statement of the CDK's
    // own to it, which lets everybody write who may mount.
    allowAnonymousAccess: true,
    removalPolicy: RemovalPolicy.RETAIN,
    fileSystemPolicy: new PolicyDocument({
      statements: [
        new PolicyStatement({
          sid: 'OnlyTls',
          effect: Effect.DENY,
          principals: [new AnyPrincipal()],
          actions: ['*'],
          conditions: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
        new PolicyStatement({
          sid: 'NobodyIsRoot',
          effect: Effect.DENY,
          principals: [new AnyPrincipal()],
          actions: ['elasticfilesystem:ClientRootAccess'],
        }),
      ],
    }),
  })
  return {
    system,
    securityGroup,
    folder: (id, path, { uid, gid }) =>
      system.addAccessPoint(id, {
        path,
        createAcl: { ownerUid: String(uid), ownerGid: String(gid), permissions: '0700' },
        posixUser: { uid: String(uid), gid: String(gid) },
      }),
  }
}
