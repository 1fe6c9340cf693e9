import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'

/** A process of the demo that says when it is ready. */
export interface Child {
  readonly pid: number
  /** What it said when it was ready. */
  readonly ready: unknown
  /** SIGKILL: no last words, as in a crash. */
  kill(): Promise<void>
  /** SIGTERM, and then its end. */
  stop(): Promise<void>
}

export interface ChildOptions {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** File for what it says on standard error. */
  readonly log: string
  /** `output`: JSON on standard output. `message`: the first message over IPC. */
  readonly readyBy: 'output' | 'message'
}

const READY_MS = 60_000

/** Starts a Node program apart from this process' group, so that Ctrl-C is ours to handle. @throws with its last words. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const log = openSync(options.log, 'a', 0o600)
  const child = spawn(process.execPath, [...options.args], {
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ['ignore', options.readyBy === 'output' ? 'pipe' : log, log, 'ipc'],
  })
  closeSync(log)
  const exited = once(child, 'exit')
  const ended = exited.then(async () => {
    throw new Error(
      `${options.args[0]} ended before it was ready:\n${(await readFile(options.log, 'utf8')).slice(-2000)}`,
    )
  })
  ended.catch(() => undefined)
  const timeout = AbortSignal.timeout(READY_MS)
  const late = once(timeout, 'abort').then(() => {
    child.kill('SIGKILL')
    throw new Error(`${options.args[0]} was not ready within ${READY_MS / 1000} s; its log: ${options.log}`)
  })
  late.catch(() => undefined)
  const ready = await Promise.race([options.readyBy === 'output' ? firstJson(child) : firstMessage(child), ended, late])
  // Neither keeps the demo alive once it is through.
  child.disconnect()
  child.stdout?.destroy()
  child.unref()
  const end = async (signal: NodeJS.Signals) => {
    child.ref()
    child.kill(signal)
    if (child.exitCode === null && child.signalCode === null) await exited
  }
  return { pid: child.pid ?? -1, ready, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

async function firstJson(child: ChildProcess): Promise<unknown> {
  let text = ''
  for await (const chunk of child.stdout?.setEncoding('utf8') ?? []) {
    text += String(chunk)
    try {
      return JSON.parse(text) as unknown
    } catch {
      // Not whole yet.
    }
  }
  return await new Promise<never>(() => undefined)
}

async function firstMessage(child: ChildProcess): Promise<unknown> {
  const [message] = (await once(child, 'message')) as [unknown]
  return message
}
