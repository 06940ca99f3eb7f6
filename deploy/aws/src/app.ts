import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { readSettings } from './settings.ts'
import { makeStack } from './stack.ts'

// cdk synth -c settings=settings.json [-c profile=prometheus|cloudwatch|hybrid]
const app = new App({ analyticsReporting: false })
const path: unknown = app.node.tryGetContext('settings') ?? 'settings.json'
const profile: unknown = app.node.tryGetContext('profile')
makeStack(app, readSettings(String(path), typeof profile === 'string' ? profile : undefined))
Validations.of(app).addPlugins(new AwsSolutionsChecks())
app.synth()
