import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createProgress } from '../../../src/setup/progress.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function run(isTTY: boolean, estimateSeconds: number, takesMs: number) {
  let text = ''
  const progress = createProgress({ isTTY, columns: 80, write: (part) => (text += part) })
  const done = progress.stage('Building it', { estimateSeconds }, async (report) => {
    report('3 packages')
    await vi.advanceTimersByTimeAsync(takesMs)
    return 'built'
  })
  return done.then((result) => ({ result, text }))
}

test('long work is announced with an estimate, in one line', async () => {
  expect(await run(false, 150, 90_000)).toEqual({ result: 'built', text: '… Building it (about 2 min 30 s)\n' })
})

test('short work says nothing, unless it is not short', async () => {
  expect(await run(false, 1, 1900)).toEqual({ result: 'built', text: '' })
  expect((await run(false, 1, 2100)).text).toBe('… Building it\n')
})

test('on a terminal one line is redrawn, and ends with the time it took', async () => {
  const { text } = await run(true, 20, 12_000)
  expect(text).toContain('\r… Building it  5 s of about 20 s  3 packages')
  expect(text.endsWith('\r✓ Building it  12 s\u001b[K\n')).toBe(true)
  expect(text.match(/\n/g)).toHaveLength(1)
})

test('what fails is marked so', async () => {
  let text = ''
  const progress = createProgress({ isTTY: true, write: (part) => (text += part) })
  const failed = progress.stage('Building it', { estimateSeconds: 9 }, () => Promise.reject(new Error('no')))
  await expect(failed).rejects.toThrow('no')
  expect(text).toContain('✗ Building it')
})
