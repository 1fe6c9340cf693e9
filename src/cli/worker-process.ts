import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanups } from '../setup/cleanups.ts'
import { markProcess, stopProcess } from '../setup/processes.ts'
import type { ProcessMark } from '../setup/processes.ts'

/** Longest wait for a worker to poll, milliseconds: from source it bundles its workflows first. */
const READY_MS = 60_000
const LAST_WORDS = 3000

/**
 * Starts `recourse worker` in the background and resolves when it polls.
 * @param args Arguments of the command `worker`.
 * @throws Error with the worker's own last words when it ends before.
 */
export async function startWorkerProcess(args: readonly string[], log: string): Promise<ProcessMark> {
  await mkdir(dirname(log), { recursive: true, mode: 0o700 })
  const main = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url))
  const file = openSync(log, 'a', 0o600)
  const child = spawn(process.execPath, [main, 'worker', ...args], {
    detached: true,
    stdio: ['ignore', file, file, 'ipc'],
  })
  closeSync(file)
  const ready = waitUntilReady(child)
  // Reported below; this only keeps it from being reported twice.
  ready.catch(() => undefined)
  const mark = child.pid === undefined ? null : await markProcess(child.pid)
  const cleanup = cleanups.add(async () => {
    if (mark) await stopProcess(mark)
  })
  try {
    await ready
  } catch (error) {
    await cleanup.run()
    const words = (await readFile(log, 'utf8')).slice(-LAST_WORDS).trim()
    throw new Error(
      `the worker did not start: ${error instanceof Error ? error.message : String(error)}; the end of ${log}:\n${words}`,
      { cause: error },
    )
  }
  cleanup.release()
  child.disconnect()
  child.unref()
  if (mark === null) throw new Error('the worker has no process id')
  return mark
}

function waitUntilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it did not poll within a minute')), READY_MS)
    const settle = (then: () => void) => {
      clearTimeout(timer)
      then()
    }
    child.once('message', () => settle(resolve))
    child.once('error', (error) => settle(() => reject(error)))
    child.once('exit', (code, signal) =>
      settle(() => reject(new Error(`it ended with ${code === null ? String(signal) : `exit code ${code}`}`))),
    )
  })
}
