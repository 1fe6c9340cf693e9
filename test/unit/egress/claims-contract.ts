import { expect, it } from 'vitest'
import type { Claims } from '../../../src/egress/claims/claims.ts'

/** What every claim store must do. `reopen` answers the same store as another process would see it. */
export function describeClaims(open: () => Promise<{ claims: Claims; reopen: () => Claims }>): void {
  it('creates a key once and answers later arrivals with what was there first', async () => {
    const { claims, reopen } = await open()
    expect(await claims.create('run/s1.1.1', { a: 1 })).toEqual({ created: true })
    expect(await claims.create('run/s1.1.1', { a: 2 })).toEqual({ created: false, value: { a: 1 }, outcome: null })
    expect(await reopen().read('run/s1.1.1')).toEqual({ value: { a: 1 }, outcome: null })
    expect(await claims.read('run/s1.1.2')).toBeNull()
  })

  it('lets exactly one of many win, from several processes', async () => {
    const { claims, reopen } = await open()
    const stores = [claims, reopen(), reopen()]
    const won = await Promise.all(Array.from({ length: 60 }, (_, n) => stores[n % 3]!.create('run/s1.1.1', { n })))
    const winners = won.flatMap((each, n) => (each.created ? [n] : []))
    expect(winners).toHaveLength(1)
    expect(
      won.filter((each) => !each.created).every((each) => (each as { value: { n: number } }).value.n === winners[0]),
    ).toBe(true)
  })

  it('keeps the first outcome', async () => {
    const { claims, reopen } = await open()
    await claims.create('run/s1.1.1', {})
    await claims.settle('run/s1.1.1', { kind: 'performed' })
    await reopen().settle('run/s1.1.1', { kind: 'refused' })
    expect(await claims.create('run/s1.1.1', {})).toMatchObject({ created: false, outcome: { kind: 'performed' } })
    await expect(claims.settle('run/other', {})).rejects.toThrow('no claim "run/other"')
  })

  it('takes any key for itself, and lists by prefix', async () => {
    const { claims, reopen } = await open()
    const keys = [
      'Run/s1',
      'run/s1',
      'run/s1.1',
      'run/s1/undo',
      'run/S1',
      '../up/../../x',
      './dot',
      'ä ö/ü\n',
      `${'long'.repeat(200)}/${'key'.repeat(200)}`,
      `${'long'.repeat(200)}x/${'key'.repeat(200)}`,
      'run/..',
    ]
    for (const key of keys) expect(await claims.create(key, key)).toEqual({ created: true })
    for (const key of keys) expect(await reopen().read(key)).toEqual({ value: key, outcome: null })
    expect(await claims.list('run/s1')).toEqual(['run/s1', 'run/s1.1', 'run/s1/undo'])
    expect(await claims.list('')).toEqual([...keys].sort())
    expect(await claims.list('nobody/')).toEqual([])
  })
}
