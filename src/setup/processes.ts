import { readFile } from 'node:fs/promises'
import { z } from 'zod'

/** A process as written down for later: a number alone may belong to somebody else by then. */
export const ProcessMark = z.object({
  pid: z.number().int().positive(),
  /** When it started, in the kernel's own clock ticks since boot; null where that cannot be read. */
  startTime: z.string().nullable(),
})
export type ProcessMark = z.infer<typeof ProcessMark>

/** Marks a running process so that it can be recognised later. */
export async function markProcess(pid: number): Promise<ProcessMark> {
  return { pid, startTime: (await readStat(pid))?.startTime ?? null }
}

/** True while that very process runs; false for a recycled number or a zombie. */
export async function isRunning(mark: ProcessMark): Promise<boolean> {
  try {
    process.kill(mark.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const stat = await readStat(mark.pid)
  if (stat === null) return mark.startTime === null
  return stat.state !== 'Z' && (mark.startTime === null || stat.startTime === mark.startTime)
}

/**
 * Ends a process: SIGTERM, and SIGKILL once `graceMs` milliseconds have passed. Does nothing when that very process is
 * gone. Resolves when it is.
 */
export async function stopProcess(mark: ProcessMark, graceMs = 10_000): Promise<void> {
  const deadline = Date.now() + graceMs
  let signal: NodeJS.Signals | null = 'SIGTERM'
  while (await isRunning(mark)) {
    if (signal === null && Date.now() > deadline) signal = 'SIGKILL'
    if (signal !== null) {
      try {
        process.kill(mark.pid, signal)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
        throw error
      }
      if (signal === 'SIGKILL') await new Promise((resolve) => setTimeout(resolve, 100))
      signal = null
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

async function readStat(pid: number): Promise<{ state: string; startTime: string } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (text === null) return null
  // The second field is the command in parentheses and may hold spaces; proc(5) numbers state 3 and starttime 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  return state === undefined || startTime === undefined ? null : { state, startTime }
}
