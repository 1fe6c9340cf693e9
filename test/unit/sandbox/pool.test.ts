import { expect, test, vi } from 'vitest'
import type { Pooled, PoolOptions } from '../../../src/sandbox/docker/pool.ts'
import { createPool } from '../../../src/sandbox/docker/pool.ts'

interface Item extends Pooled {
  readonly of: string
  readonly n: number
  die(): void
  disposed: boolean
}

/** A pool whose starts wait for the test to let them through. */
function setUp(options: Partial<PoolOptions<{ key: string }, Item>> = {}) {
  const pending: { key: string; finish(): void; fail(error: Error): void }[] = []
  const items: Item[] = []
  let most = 0
  const pool = createPool<{ key: string }, Item>({
    start: ({ key }) =>
      new Promise<Item>((resolve, reject) => {
        const leave = (): void => void pending.splice(pending.indexOf(request), 1)
        const request = {
          key,
          finish() {
            leave()
            const death = Promise.withResolvers<void>()
            const item: Item = {
              of: key,
              n: items.length,
              died: death.promise,
              die: death.resolve,
              disposed: false,
              dispose: async () => void (item.disposed = true),
            }
            items.push(item)
            resolve(item)
          },
          fail(error: Error) {
            leave()
            reject(error)
          },
        }
        pending.push(request)
        most = Math.max(most, pending.length)
      }),
    perKey: 2,
    maxIdle: 4,
    concurrency: 4,
    refillConcurrency: 2,
    refillAfterMs: 0,
    ...options,
  })
  const settle = async (): Promise<void> => {
    await vi.waitFor(() => {
      for (const request of [...pending]) request.finish()
      expect(pending).toEqual([])
    })
  }
  return { pool, pending, items, settle, most: () => most, idle: () => items.filter((item) => !item.disposed) }
}

const never = new AbortController().signal
const a = { key: 'a' }
const b = { key: 'b' }
const c = { key: 'c' }

test('what is warm is handed over at once, never twice, and replaced', async () => {
  const { pool, pending, settle } = setUp()
  const warming = pool.warm(a)
  await settle()
  await warming
  const taken = [await pool.acquire(a, never), await pool.acquire(a, never)]
  expect(new Set(taken).size).toBe(2)
  await vi.waitFor(() => expect(pending).toHaveLength(2))
  await settle()
  expect(taken).not.toContain(await pool.acquire(a, never))
})

test('waiting comes before refilling, and refilling is bounded', async () => {
  const { pool, pending, most } = setUp({ concurrency: 3, refillConcurrency: 1 })
  const warming = pool.warm(a)
  expect(pending.map((request) => request.key)).toEqual(['a'])
  const waiting = [b, b, b].map((key) => pool.acquire(key, never))
  expect(pending.map((request) => request.key)).toEqual(['a', 'b', 'b'])
  const order: string[] = []
  await vi.waitFor(() => {
    const next = pending[0]
    if (next) {
      order.push(next.key)
      next.finish()
    }
    // Two kept for each key, and three that were waited for.
    expect(order).toHaveLength(7)
  })
  expect((await Promise.all(waiting)).map((item) => item.of)).toEqual(['b', 'b', 'b'])
  expect(order.slice(0, 4)).toEqual(['a', 'b', 'b', 'b'])
  expect(most()).toBe(3)
  await warming
})

test('keys that were not used lately are let go', async () => {
  const { pool, settle, idle } = setUp()
  for (const key of [a, b, c]) {
    const warming = pool.warm(key)
    await settle()
    await warming
  }
  expect(
    idle()
      .map((item) => item.of)
      .toSorted(),
  ).toEqual(['b', 'b', 'c', 'c'])
})

test('without a pool each is started when asked for, and none ahead', async () => {
  const { pool, pending, settle, items } = setUp({ perKey: 0 })
  await pool.warm(a)
  expect(pending).toEqual([])
  const acquiring = pool.acquire(a, never)
  await settle()
  expect(await acquiring).toBe(items[0])
  await pool.close()
  expect(items).toHaveLength(1)
})

test('a dead one is dropped and disposed of, and not replaced before the key is asked for', async () => {
  const { pool, pending, settle, items } = setUp()
  const warming = pool.warm(a)
  await settle()
  await warming
  items[0]?.die()
  await vi.waitFor(() => expect(items[0]?.disposed).toBe(true))
  expect(pending).toEqual([])
  expect(await pool.acquire(a, never)).toBe(items[1])
  await vi.waitFor(() => expect(pending).toHaveLength(2))
})

test('a failing start is told to one who waits, and is not repeated by itself', async () => {
  const { pool, pending } = setUp()
  const warming = pool.warm(a)
  const warmed = expect(warming).rejects.toThrow('no engine')
  for (const request of [...pending]) request.fail(new Error('no engine'))
  await warmed
  const acquiring = expect(pool.acquire(a, never)).rejects.toThrow('gone')
  await vi.waitFor(() => expect(pending.length).toBeGreaterThan(0))
  for (const request of [...pending]) request.fail(new Error('gone'))
  await acquiring
  await pool.close()
  expect(pending).toEqual([])
})

test('who gives up waiting leaves what was started to the next', async () => {
  const { pool, settle, items } = setUp({ perKey: 1 })
  const abort = new AbortController()
  const acquiring = expect(pool.acquire(a, abort.signal)).rejects.toThrow('cancelled')
  abort.abort(new Error('cancelled'))
  await acquiring
  await settle()
  expect(await pool.acquire(a, never)).toBe(items[0])
})

test('closing disposes of what is idle and of what still starts, and refuses the rest', async () => {
  const { pool, pending, items } = setUp()
  const warming = pool.warm(a)
  pending[0]?.finish()
  const refused = expect(warming).rejects.toThrow('closed')
  const waiting = expect(pool.acquire(b, never)).rejects.toThrow('closed')
  const closing = pool.close()
  await refused
  await waiting
  for (const request of [...pending]) request.finish()
  await closing
  expect(items.length).toBeGreaterThan(1)
  expect(items.every((item) => item.disposed)).toBe(true)
  await expect(pool.acquire(a, never)).rejects.toThrow('closed')
})
