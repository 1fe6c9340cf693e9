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
/** Phases and decisions ring the bell; what only a test of one's own sees has to be looked for. */
const LONGEST_MS = { named: 5000, test: 250 }
/** A worker that restarts or a server that fails over is back by then. */
const PATIENCE_MS = 60_000

/**
 * Waits for a run to reach a state; never for its workflow to close, which a confirmed run does weeks later.
 * @throws RecourseError WAIT_TIMEOUT; RUN_SETTLED when the run closed in another state; NO_WORKER or UNREACHABLE after a minute without any answer; the signal's reason.
 */
export async function waitForRun(
  access: Access,
  id: string,
  read: () => Promise<RunView>,
  options: WaitOptions = {},
): Promise<RunView> {
  const until = options.until ?? ['decision', 'settled']
  const reached = toPredicate(until)
  // A run that settles closes, or is continued as its undo window.
  const watched = typeof until !== 'function' && !until.includes('decision') ? 'close' : 'changes'
  const longest = typeof options.until === 'function' ? LONGEST_MS.test : LONGEST_MS.named
  const over = new AbortController()
  const bell = createBell()
  let state: RunView | null = null

  async function look(): Promise<RunView> {
    let troubleSince: number | null = null
    let watch: Promise<void> | null = null
    let watching = true
    let closed = false
    for (let pause = FIRST_MS; ; pause = Math.min(pause * GROWTH, longest)) {
      try {
        const before = JSON.stringify(state)
        const last = closed
        state = await read()
        troubleSince = null
        if (!over.signal.aborted && JSON.stringify(state) !== before) options.onUpdate?.(state)
        if (reached(state) || over.signal.aborted) return state
        if (last) throw errors.neverComes(id, state.phase)
      } catch (error) {
        if (!isTrouble(error) || over.signal.aborted) throw error
        troubleSince ??= Date.now()
        if (Date.now() - troubleSince >= PATIENCE_MS) throw error
        options.onTrouble?.(error)
      }
      // Its failure costs only promptness. While it works, looking as well would only load the worker.
      watch ??= watchRun(access, id, watched, bell.ring, over.signal)
        .then(async () => {
          // One that was reset goes on under the same id.
          if (over.signal.aborted) return
          closed = await isClosed(access, id)
          if (!closed) watch = null
        })
        .catch(() => void (watching = false))
        .finally(bell.ring)
      await bell.rung(watching && troubleSince === null ? longest : pause)
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

async function isClosed(access: Access, id: string): Promise<boolean> {
  return access.call(`run "${id}" cannot be read`, id, async (workflows) => {
    const { status } = await workflows.getHandle(id).describe()
    return status.name !== 'RUNNING' && status.name !== 'PAUSED'
  })
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
