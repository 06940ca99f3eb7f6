import { Module } from '@nestjs/common'
import { OrdersController } from './orders.controller'
import { OrdersService } from './orders.service'
import { Prices } from './prices'
import { StockController } from './stock.controller'

@Module({ controllers: [OrdersController, StockController], providers: [OrdersService, Prices] })
export class AppModule {}
