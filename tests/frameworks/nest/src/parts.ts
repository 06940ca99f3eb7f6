import {
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  SetMetadata,
} from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { map, type Observable } from 'rxjs'

export const Roles = (...roles: string[]) => SetMetadata('roles', roles)

/** The roles stand on the handler function: a wrapper that lost them would let everybody in. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const roles = this.reflector.get<string[] | undefined>('roles', context.getHandler())
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>()
    return roles === undefined || roles.includes(headers['x-role'] ?? '')
  }
}

export const Agent = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>()
  return headers['user-agent']
})

/** A pipe that goes by the declared type of the parameter, which only `emitDecoratorMetadata` tells. */
@Injectable()
export class ByType implements PipeTransform {
  transform(value: unknown, { metatype }: ArgumentMetadata): unknown {
    return metatype === Number ? Number(value) : value
  }
}

/** Adds the name of the handler, as logging and caching interceptors read it. */
@Injectable()
export class Named implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { name, length } = context.getHandler()
    return next.handle().pipe(map((answer: object) => ({ ...answer, handler: name, parameters: length })))
  }
}
