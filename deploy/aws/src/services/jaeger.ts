import { ContainerImage, type FargateService } from 'aws-cdk-lib/aws-ecs'
import { images } from '../images.ts'
import { compactYaml } from '../repository.ts'
import { type Ground, openTask } from '../service.ts'

const memoryMiB = 4096

/** Traces in the memory of one task: a picture of the last hours, gone with it. What has to stay are the rows. */
export const addJaeger = (ground: Ground): FargateService => {
  const task = openTask(ground, 'Jaeger', { cpu: 512, memoryMiB })
  task.container('jaeger', {
    image: ContainerImage.fromRegistry(images.jaeger),
    command: ['--config=env:JAEGER_CONFIGURATION'],
    environment: {
      JAEGER_CONFIGURATION: compactYaml('deploy/aws/config/jaeger.yaml'),
      GOMEMLIMIT: `${Math.round(memoryMiB * 0.8)}MiB`,
      // Traces of its own queries would come back to it.
      OTEL_TRACES_SAMPLER: 'always_off',
    },
    portMappings: [{ containerPort: 16_686 }, { containerPort: 4317 }, { containerPort: 13_133 }],
  })
  // Two would each have half of the traces.
  return task.run({ tasks: 1, single: true })
}
