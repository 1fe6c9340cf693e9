import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCleanups } from '../../../src/setup/cleanups.ts'

const file = join(import.meta.dirname, '../../../src/setup/cleanups.ts')

test('runs newest first, each once, and tries them all', async () => {
  const ran: string[] = []
  const cleanups = createCleanups()
  cleanups.add(() => void ran.push('first'))
  const released = cleanups.add(() => void ran.push('released'))
  cleanups.add(() => Promise.reject(new Error('second failed')))
  const early = cleanups.add(() => void ran.push('early'))
  await early.run()
  await early.run()
  released.release()
  await expect(cleanups.run()).rejects.toThrow('second failed')
  await cleanups.run()
  expect(ran).toEqual(['early', 'first'])
})

test('leaves signals alone while there is nothing to clean up', () => {
  const before = process.listenerCount('SIGINT')
  const registration = createCleanups().add(() => undefined)
  expect(process.listenerCount('SIGINT')).toBe(before + 1)
  registration.release()
  expect(process.listenerCount('SIGINT')).toBe(before)
})

test.for(['SIGINT', 'SIGTERM'] as const)('%s runs the stack to its end, then ends the process', async (signal) => {
  const script = `
    import { cleanups } from ${JSON.stringify(file)}
    const say = (text) => process.stdout.write(text + '\\n')
    cleanups.add(async () => { await new Promise((resolve) => setTimeout(resolve, 50)); say('outer') })
    const inner = cleanups.add(async () => { say('inner') })
    setInterval(() => {}, 1000)
    say('ready')
    // What fails because of the interruption must neither be reported nor go on.
    process.once(${JSON.stringify(signal)}, async () => { await inner.run(); await cleanups.unlessEnding(); say('went on') })
  `
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (text.includes('ready')) child.kill(signal)
  })
  const [code, endedBy] = await once(child, 'close')
  expect([code, endedBy]).toEqual([null, signal])
  expect(output.split('\n')).toEqual(['ready', 'inner', 'outer', ''])
})
