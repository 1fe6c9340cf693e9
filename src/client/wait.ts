import type { RunView } from '../run/view.ts'
import { SETTLED } from '../run/view.ts'
import type { Access } from './access.ts'
import { errors, RecourseError } from './errors.ts'
import { glanceAt } from './glance.ts'
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

/** Between looks where nothing can be watched. */
const FIRST_MS = 25
const GROWTH = 1.5
const LONGEST_MS = 1000
/** Between glances at what is watched, in case an event was missed or no worker is there. */
const GLANCE_MS = 5000
/** A worker that is there takes a task up long before. */
const IDLE_MS = 10_000
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
  const watched = typeof until === 'function' ? 'tasks' : until.includes('decision') ? 'changes' : 'close'
  const over = new AbortController()
  const bell = createBell()
  let state: RunView | null = null
  let troubleSince: number | null = null

  const onTrouble = (error: unknown): void => {
    if (!isTrouble(error) || over.signal.aborted) throw error
    troubleSince ??= Date.now()
    if (Date.now() - troubleSince >= PATIENCE_MS) throw error
    options.onTrouble?.(error)
  }

  /** Waits, without asking a worker, until there may be something new to see. */
  async function untilNews(seen: RunView): Promise<void> {
    while (!(await bell.rung(GLANCE_MS)) && !over.signal.aborted) {
      try {
        const { open, phase, needsDecision, idleMs, failing } = await glanceAt(access, id)
        if (idleMs >= IDLE_MS) throw errors.noWorker(`run "${id}" does not go on`, access.place)
        troubleSince = null
        if (!open || failing || (phase ?? seen.phase) !== seen.phase) return
        if (needsDecision !== (seen.decision !== null || seen.phase === 'attention')) return
      } catch (error) {
        onTrouble(error)
      }
    }
  }

  async function look(): Promise<RunView> {
    let watch: Promise<void> | null = null
    let watching = true
    let closed = false
    for (let pause = FIRST_MS; ; pause = Math.min(pause * GROWTH, LONGEST_MS)) {
      let seen: RunView | null = null
      try {
        const before = JSON.stringify(state)
        const last = closed
        state = seen = await read()
        troubleSince = null
        if (!over.signal.aborted && JSON.stringify(state) !== before) options.onUpdate?.(state)
        if (reached(state) || over.signal.aborted) return state
        if (last) throw errors.neverComes(id, state.phase)
      } catch (error) {
        onTrouble(error)
      }
      // Its failure costs only promptness.
      watch ??= watchRun(access, id, watched, bell.ring, over.signal)
        .then(async () => {
          // One that was reset goes on under the same id.
          if (over.signal.aborted) return
          closed = !(await glanceAt(access, id)).open
          if (!closed) watch = null
        })
        .catch(() => void (watching = false))
        .finally(bell.ring)
      // A worker is asked only when it has just done something: a query to one that has died waits for the next one, which
      // then may run what came meanwhile apart from what belongs to it (SDK 1.24), and the run can never be replayed again.
      if (watching && seen) await untilNews(seen)
      else await bell.rung(pause)
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

/** Wakes one sleeper; rung while nobody sleeps, it wakes the next one at once. `rung` answers false when time was up. */
function createBell(): { ring: () => void; rung: (ms: number) => Promise<boolean> } {
  let wake: (() => void) | null = null
  let pending = false
  return {
    ring: () => {
      if (wake) wake()
      else pending = true
    },
    rung: async (ms) => {
      const rung =
        pending ||
        (await new Promise<boolean>((resolve) => {
          const timer = setTimeout(resolve, ms, false)
          wake = () => {
            clearTimeout(timer)
            resolve(true)
          }
        }))
      wake = null
      pending = false
      return rung
    },
  }
}
