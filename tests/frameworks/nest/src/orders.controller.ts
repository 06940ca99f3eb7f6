import {
  Body,
  Controller,
  Get,
  Header,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common'
import { pick, track } from '@throughline/core'
import { OrdersService } from './orders.service'
import { Agent, ByType, Named, Roles, RolesGuard } from './parts'

@Controller('orders')
@UseInterceptors(Named)
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @track()
  @Get('above/:id')
  @Header('x-kind', 'order')
  above(@Param('id', ByType) id: number, @Agent() agent: string) {
    return this.orders.find(id).then((order) => ({ ...order, agent }))
  }

  @Get('below/:id')
  @Header('x-kind', 'order')
  @track()
  async below(@Param('id', ByType) id: number, @Agent() agent: string) {
    return { ...(await this.orders.find(id)), agent }
  }

  @track({ user: (call) => call.args[1], metadata: pick.args('0.amount', '2.dry') })
  @Roles('clerk')
  @UseGuards(RolesGuard)
  @HttpCode(202)
  @Post('above')
  placeAbove(@Body() order: object, @Headers('x-user') user: string, @Query() query: object) {
    return { order, user, query }
  }

  @Roles('clerk')
  @UseGuards(RolesGuard)
  @HttpCode(202)
  @Post('below')
  @track({ user: (call) => call.args[1], metadata: pick.args('0.amount', '2.dry') })
  placeBelow(@Body() order: object, @Headers('x-user') user: string, @Query() query: object) {
    return { order, user, query }
  }
}
