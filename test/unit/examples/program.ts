import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** An example's services as a program, the way demo and people start them. */
export interface Program {
  readonly urls: Readonly<Record<string, string>>
  /** Resolves with the exit code. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

export async function startProgram(example: string, args: readonly string[]): Promise<Program> {
  const file = fileURLToPath(new URL(`../../../examples/${example}/services.ts`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit')])) as [unknown]
  if (typeof line !== 'string') throw new Error(`the services of ${example} ended at once (${String(line)})`)
  const { ready, services } = JSON.parse(line) as { ready: boolean; services: Record<string, string> }
  if (!ready) throw new Error(line)
  return { urls: services, stop: (signal) => stop(child, signal) }
}

async function stop(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = (await exited) as [number | null]
  return code
}
