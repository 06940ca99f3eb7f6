export { type Settled, settleInTx } from './record-in/settle.js'
