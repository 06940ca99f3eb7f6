export { fromDrizzle, fromKnex, fromKysely } from './record-in/adapters.js'
export { type RecordableOperation, recordIn, type SqlTransaction } from './record-in/record-in.js'
