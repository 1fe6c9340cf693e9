/**
 * Keeps things started ahead of need, by key, each used once.
 *
 * - Whoever waits is served before anything is refilled, and takes whatever of its key is ready first.
 * - The keys used last are kept full; those beyond what fits in `maxIdle` are let go.
 * - What dies while idle, or fails to start, is not tried again before the key is next asked for: a broken engine must not
 *   be hammered.
 */

export interface Pooled {
  /** Settles when it can no longer be used. */
  readonly died: Promise<void>
  dispose(): Promise<void>
}

export interface PoolOptions<K, T> {
  start(key: K): Promise<T>
  /** Kept ready for each key. 0: nothing is ever started ahead. */
  readonly perKey: number
  /** Kept ready for all keys together. */
  readonly maxIdle: number
  /** Starts at the same time for those who wait. */
  readonly concurrency: number
  /** Starts at the same time ahead of need. */
  readonly refillConcurrency: number
  /** Milliseconds a refill waits after something was taken, so that it does not slow down what was just handed over. */
  readonly refillAfterMs: number
}

export interface Pool<K, T> {
  /** @throws what `start` throws, the signal's reason, or an Error when the pool is closed. */
  acquire(key: K, signal: AbortSignal): Promise<T>
  /** Resolves when the key is full. @throws what `start` throws. */
  warm(key: K): Promise<void>
  close(): Promise<void>
}

interface Waiter<T> {
  resolve(item: T): void
  reject(error: unknown): void
}

interface Entry<K, T> {
  readonly key: K
  readonly idle: T[]
  readonly waiters: Waiter<T>[]
  warmers: Waiter<void>[]
  starting: number
  /** No starting ahead before the key is asked for again. */
  failed: boolean
}

export function createPool<K extends { readonly key: string }, T extends Pooled>(
  options: PoolOptions<K, T>,
): Pool<K, T> {
  /** In order of use, the latest last. */
  const entries = new Map<string, Entry<K, T>>()
  const disposals = new Set<Promise<void>>()
  const starts = new Set<Promise<void>>()
  let refillTimer: NodeJS.Timeout | null = null
  let closed = false

  const dispose = (item: T): void => {
    const disposal = item.dispose().finally(() => disposals.delete(disposal))
    disposals.add(disposal)
  }

  const touch = (key: K): Entry<K, T> => {
    const entry = entries.get(key.key) ?? { key, idle: [], waiters: [], warmers: [], starting: 0, failed: false }
    entries.delete(key.key)
    entries.set(key.key, entry)
    entry.failed = false
    return entry
  }

  const kept = (): Entry<K, T>[] => {
    const fits = options.perKey === 0 ? 0 : Math.max(1, Math.floor(options.maxIdle / options.perKey))
    return [...entries.values()].toReversed().slice(0, fits)
  }

  const evict = (): void => {
    const keep = new Set(kept())
    for (const [name, entry] of entries) {
      if (keep.has(entry)) continue
      for (const item of entry.idle.splice(0)) dispose(item)
      for (const warmer of entry.warmers.splice(0)) warmer.resolve()
      if (entry.waiters.length === 0 && entry.starting === 0) entries.delete(name)
    }
  }

  const missing = (entry: Entry<K, T>): number => options.perKey - entry.idle.length - entry.starting

  const pump = (): void => {
    if (closed) return
    evict()
    for (const entry of entries.values()) {
      while (entry.waiters.length > entry.starting && starts.size < options.concurrency) startOne(entry)
    }
    if (refillTimer) return
    for (const entry of kept()) {
      while (!entry.failed && missing(entry) > 0 && starts.size < options.refillConcurrency) startOne(entry)
    }
  }

  const startOne = (entry: Entry<K, T>): void => {
    entry.starting += 1
    const start = options
      .start(entry.key)
      .then(
        (item) => arrive(entry, item),
        (error: unknown) => fail(entry, error),
      )
      .finally(() => {
        starts.delete(start)
        pump()
      })
    starts.add(start)
  }

  const arrive = (entry: Entry<K, T>, item: T): void => {
    entry.starting -= 1
    const waiter = entry.waiters.shift()
    if (waiter) return waiter.resolve(item)
    if (closed) return dispose(item)
    entry.idle.push(item)
    void item.died.then(() => {
      const at = entry.idle.indexOf(item)
      if (at < 0) return
      entry.idle.splice(at, 1)
      entry.failed = true
      dispose(item)
    })
    if (entry.idle.length >= options.perKey) for (const warmer of entry.warmers.splice(0)) warmer.resolve()
  }

  const fail = (entry: Entry<K, T>, error: unknown): void => {
    entry.starting -= 1
    entry.failed = true
    entry.waiters.shift()?.reject(error)
    for (const warmer of entry.warmers.splice(0)) warmer.reject(error)
  }

  const refillLater = (): void => {
    refillTimer ??= setTimeout(() => {
      refillTimer = null
      pump()
    }, options.refillAfterMs)
  }

  return {
    acquire(key, signal) {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(new Error('the pool is closed'))
        if (signal.aborted) return reject(signal.reason)
        const entry = touch(key)
        refillLater()
        const ready = entry.idle.shift()
        if (ready) {
          evict()
          return resolve(ready)
        }
        const onAbort = (): void => {
          entry.waiters.splice(entry.waiters.indexOf(waiter), 1)
          reject(signal.reason)
        }
        const waiter: Waiter<T> = {
          resolve(item) {
            signal.removeEventListener('abort', onAbort)
            resolve(item)
          },
          reject(error) {
            signal.removeEventListener('abort', onAbort)
            reject(error)
          },
        }
        signal.addEventListener('abort', onAbort, { once: true })
        entry.waiters.push(waiter)
        pump()
      })
    },
    warm(key) {
      return new Promise<void>((resolve, reject) => {
        if (closed) return reject(new Error('the pool is closed'))
        const entry = touch(key)
        if (entry.idle.length >= options.perKey) return resolve()
        entry.warmers.push({ resolve, reject })
        pump()
      })
    },
    async close() {
      closed = true
      if (refillTimer) clearTimeout(refillTimer)
      const error = new Error('the pool is closed')
      for (const entry of entries.values()) {
        for (const waiter of [...entry.waiters.splice(0), ...entry.warmers.splice(0)]) waiter.reject(error)
        for (const item of entry.idle.splice(0)) dispose(item)
      }
      while (starts.size + disposals.size > 0) await Promise.all([...starts, ...disposals])
    },
  }
}
