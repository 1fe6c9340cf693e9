import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { runCommand } from '../../../src/setup/command.ts'
import { isRunning, markProcess, stopProcess } from '../../../src/setup/processes.ts'

async function start(script: string) {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  return { child, ended: once(child, 'exit'), mark: await markProcess(child.pid ?? 0) }
}

test('knows a process again, and stops it', async () => {
  const { mark, ended } = await start('echo up; exec sleep 60')
  expect(await isRunning(mark)).toBe(true)
  await stopProcess(mark)
  expect(await isRunning(mark)).toBe(false)
  expect(await ended).toEqual([null, 'SIGTERM'])
})

test('leaves a process alone that only has the same number', async () => {
  const { child, mark, ended } = await start('echo up; exec sleep 60')
  const recycled = { ...mark, startTime: '1' }
  expect(await isRunning(recycled)).toBe(false)
  await stopProcess(recycled)
  expect(child.exitCode ?? child.signalCode).toBeNull()
  await stopProcess(mark)
  await ended
})

test('kills what does not listen', async () => {
  const { mark, ended } = await start("trap '' TERM; echo up; while :; do sleep 1; done")
  await stopProcess(mark, 100)
  expect(await ended).toEqual([null, 'SIGKILL'])
})

test('a command that is not there is no error, and one that takes too long ends with all it started', async () => {
  expect(await runCommand('no-such-command-here', [])).toBeNull()
  let grandchild = 0
  const result = await runCommand('sh', ['-c', 'sleep 60 & echo $!; wait'], {
    timeoutMs: 300,
    onLine: (line) => {
      grandchild = Number(line)
    },
  })
  expect(result?.exitCode).toBeNull()
  await expect.poll(() => isRunning({ pid: grandchild, startTime: null })).toBe(false)
})
