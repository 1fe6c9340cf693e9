import type { RunView } from '../run/view.ts'
import { SETTLED } from '../run/view.ts'
import type { Access } from './access.ts'
import { errors, RecourseError } from './errors.ts'
import { watchRun } from './watch.ts'

export interface WaitOptions {
  /** `decision`: an answer is needed. `settled`: nothing more happens by itself. Or a test of one's own. Default: both. */
  until?: readonly ('decision' | 'settled')[] | ((state: RunView) => boolean)
  /** Milliseconds until the wait, not the run, is given up. Default: none. */
  timeoutMs?: number
  signal?: AbortSignal
  /** Called with every new state seen on the way. */
  onUpdate?: (state: RunView) => void
  /** Called when no worker or no Temporal answers; the wait goes on. */
  onTrouble?: (error: RecourseError) => void
}

const FIRST_MS = 25
const GROWTH = 1.5
const LONGEST_MS = 1000
/** A worker that restarts or a server that fails over is back by then. */
const PATIENCE_MS = 60_000

/**
 * Waits for a run to reach a state; never for its workflow to close, which a confirmed run does weeks later.
 * @throws RecourseError WAIT_TIMEOUT; NO_WORKER or UNREACHABLE after a minute without any answer; the signal's reason.
 */
export async function waitForRun(
  access: Access,
  id: string,
  read: () => Promise<RunView>,
  options: WaitOptions = {},
): Promise<RunView> {
  const reached = toPredicate(options.until ?? ['decision', 'settled'])
  const over = new AbortController()
  const bell = createBell()
  let state: RunView | null = null

  async function look(): Promise<RunView> {
    let troubleSince: number | null = null
    let watch: Promise<void> | null = null
    for (let pause = FIRST_MS; ; pause = Math.min(pause * GROWTH, LONGEST_MS)) {
      try {
        const before = JSON.stringify(state)
        state = await read()
        troubleSince = null
        if (!over.signal.aborted && JSON.stringify(state) !== before) options.onUpdate?.(state)
        if (reached(state) || over.signal.aborted) return state
      } catch (error) {
        if (!isTrouble(error) || over.signal.aborted) throw error
        troubleSince ??= Date.now()
        if (Date.now() - troubleSince >= PATIENCE_MS) throw error
        options.onTrouble?.(error)
      }
      // Its failure costs only promptness.
      watch ??= watchRun(access, id, bell.ring, over.signal).catch(() => undefined)
      await bell.rung(pause)
    }
  }

  const looking = look()
  const ended = new Promise<never>((_, reject) => {
    const { signal, timeoutMs } = options
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
    if (timeoutMs === undefined) return
    const timer = setTimeout(() => reject(errors.waitTimeout(id, timeoutMs, state?.phase ?? null)), timeoutMs)
    over.signal.addEventListener('abort', () => clearTimeout(timer))
  })
  try {
    return await Promise.race([looking, ended])
  } finally {
    over.abort()
    bell.ring()
    // What it still throws is nobody's concern any more.
    looking.catch(() => undefined)
  }
}

function toPredicate(until: NonNullable<WaitOptions['until']>): (state: RunView) => boolean {
  if (typeof until === 'function') return until
  return (state) =>
    (until.includes('decision') && state.decision !== null) || (until.includes('settled') && SETTLED.has(state.phase))
}

function isTrouble(error: unknown): error is RecourseError {
  return error instanceof RecourseError && TROUBLE.has(error.code)
}

const TROUBLE: ReadonlySet<string> = new Set(['NO_WORKER', 'UNREACHABLE', 'NOT_READY'])

/** Wakes one sleeper; rung while nobody sleeps, it wakes the next one at once. */
function createBell(): { ring: () => void; rung: (ms: number) => Promise<void> } {
  let wake: (() => void) | null = null
  let pending = false
  return {
    ring: () => {
      if (wake) wake()
      else pending = true
    },
    rung: async (ms) => {
      if (!pending) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      wake = null
      pending = false
    },
  }
}
