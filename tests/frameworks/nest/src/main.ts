import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { correlation } from '@throughline/core'
import { AppModule } from './app.module'

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: false })
  app.use(correlation.middleware())
  await app.listen(Number(process.env.PORT), '127.0.0.1')
}
void bootstrap()
