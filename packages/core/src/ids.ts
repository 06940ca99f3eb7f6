/** 4 KiB: 512 span IDs a refill, one system call for all of them. The global `crypto` loads at its first use, `node:crypto` would at the import. */
const pool = Buffer.alloc(4_096)
let used = pool.length

function take(bytes: number): string {
  if (used + bytes > pool.length) {
    crypto.getRandomValues(pool)
    used = 0
  }
  const id = pool.toString('hex', used, used + bytes)
  used += bytes
  return id
}

export function newTraceId(): string {
  return take(16)
}

export function newSpanId(): string {
  return take(8)
}
