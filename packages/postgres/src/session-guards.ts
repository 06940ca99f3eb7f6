/**
 * What every connection of ours asks of Postgres, for the case that its client is gone without a word (a host that lost its
 * power, a network that forgot the connection): a session that is silent in mid-transaction is ended, since it would keep
 * its rows and locks until TCP finds out, which takes two hours; and keepalives find out after a minute, since a session
 * that only waits may hold an advisory lock.
 */
export const sessionGuards = {
  idle_in_transaction_session_timeout: 10_000,
  options: '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3',
} as const
