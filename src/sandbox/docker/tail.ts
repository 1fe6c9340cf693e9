/** Keeps the last `limit` bytes of what is pushed. */
export interface Tail {
  push(bytes: Uint8Array): void
  /** True where something was dropped. */
  readonly truncated: boolean
  bytes(): Uint8Array
}

export function createTail(limit: number): Tail {
  let parts: Uint8Array[] = []
  let size = 0
  let truncated = false

  const cut = (): void => {
    const all = Buffer.concat(parts)
    truncated ||= all.length > limit
    const kept = all.subarray(Math.max(0, all.length - limit))
    parts = [kept]
    size = kept.length
  }

  return {
    push(bytes) {
      parts.push(bytes)
      size += bytes.length
      // Twice the limit before cutting: each byte is then moved about once, however small the pieces are.
      if (size > 2 * limit || parts.length > 4096) cut()
    },
    get truncated() {
      return truncated || size > limit
    },
    bytes() {
      cut()
      return parts[0] ?? new Uint8Array()
    },
  }
}
