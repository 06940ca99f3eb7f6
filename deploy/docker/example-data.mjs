// The tables of the example, without allocations, in the database of DATABASE_URL.
import { resetExample } from './node_modules/@throughline/example-dyno-allocation/dist/database.js'

await resetExample(process.env.DATABASE_URL)
