import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { cleanups } from './cleanups.ts'

export interface CommandOptions {
  readonly directory?: string
  /** Milliseconds; the command is killed when it takes longer. Default: no limit. */
  readonly timeoutMs?: number
  /** Called for every line on stdout or stderr. */
  readonly onLine?: (line: string) => void
  /** False: an interrupt waits for the command to end instead of killing it (a package manager half-way is worse). */
  readonly interruptible?: boolean
}

export interface CommandResult {
  /** null: killed. */
  readonly exitCode: number | null
  readonly stdout: string
  /** The last lines of stderr. */
  readonly stderr: string
}

const KEPT_LINES = 40
const GRACE_MS = 10_000

/**
 * Runs a command without a shell, in a process group of its own, so that interrupting ends all of it.
 * @returns null when there is no such command.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult | null> {
  const child = spawn(command, args, {
    cwd: options.directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<{ exitCode: number | null } | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? resolve(null) : reject(error)))
    child.once('close', (exitCode) => resolve({ exitCode }))
  })
  const signalGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    try {
      process.kill(-child.pid, signal)
    } catch {
      // It ended in the meantime.
    }
  }
  let grace: NodeJS.Timeout | undefined
  // Asked first, because some have to tidy up themselves: mmdebstrap has file systems mounted.
  const killGroup = () => {
    signalGroup('SIGTERM')
    grace ??= setTimeout(signalGroup, GRACE_MS, 'SIGKILL')
  }
  const cleanup = cleanups.add(async () => {
    if (options.interruptible !== false) killGroup()
    await ended.catch(() => undefined)
    clearTimeout(grace)
  })
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(killGroup, options.timeoutMs)
  const stdout: string[] = []
  const stderr: string[] = []
  for (const [stream, lines, limit] of [
    [child.stdout, stdout, Infinity],
    [child.stderr, stderr, KEPT_LINES],
  ] as const) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > limit) lines.shift()
      options.onLine?.(line)
    })
  }
  try {
    const result = await ended
    await cleanups.unlessEnding()
    return result && { exitCode: result.exitCode, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
  } finally {
    clearTimeout(timer)
    clearTimeout(grace)
    cleanup.release()
  }
}

/** Runs a command that must succeed. @throws Error with its last output when it does not, or does not exist. */
export async function mustRun(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await runCommand(command, args, options)
  const shown = [command, ...args].join(' ')
  if (result === null) throw new Error(`\`${shown}\` could not run: there is no ${command}`)
  if (result.exitCode !== 0) {
    const end = result.exitCode === null ? 'was killed' : `ended with exit code ${result.exitCode}`
    throw new Error(`\`${shown}\` ${end}:\n${(result.stderr || result.stdout).split('\n').slice(-12).join('\n')}`)
  }
  return result
}
