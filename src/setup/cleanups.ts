/**
 * What must be ended or removed when setup stops half-way, newest first. While anything is on the stack, SIGINT and
 * SIGTERM run it and then end the process by that same signal; with an empty stack signals are left to the program.
 */
export interface Cleanups {
  /** Puts a cleanup on the stack; it runs at most once. */
  add(cleanup: () => void | Promise<void>): Registration
  /** Runs and empties the stack. Every cleanup is tried; the first failure is thrown at the end. */
  run(): Promise<void>
  /** Resolves at once, or never when a signal is ending the process: nothing new is begun, and nothing reported, then. */
  unlessEnding(): Promise<void>
}

export interface Registration {
  /** Takes it off the stack: what it guarded is complete. */
  release(): void
  /** Takes it off and runs it, or waits for the end of the run that is under way. */
  run(): Promise<void>
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** @param target What signals come to; for tests. */
export function createCleanups(target: Pick<NodeJS.Process, 'on' | 'off' | 'kill' | 'pid'> = process): Cleanups {
  const stack: (() => Promise<void>)[] = []
  let ending = false

  const onSignal = (signal: NodeJS.Signals) => {
    if (ending) return
    ending = true
    void run()
      .catch(() => undefined)
      .finally(() => {
        unlisten()
        target.kill(target.pid, signal)
      })
  }
  const listen = () => SIGNALS.forEach((signal) => target.on(signal, onSignal))
  const unlisten = () => SIGNALS.forEach((signal) => target.off(signal, onSignal))

  function take(cleanup: () => Promise<void>): void {
    const index = stack.indexOf(cleanup)
    if (index < 0) return
    stack.splice(index, 1)
    if (stack.length === 0 && !ending) unlisten()
  }

  async function run(): Promise<void> {
    const failures: unknown[] = []
    for (let cleanup = stack.at(-1); cleanup; cleanup = stack.at(-1)) {
      await cleanup().catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }

  return {
    add: (cleanup) => {
      let running: Promise<void> | null = null
      const once = (): Promise<void> => {
        running ??= (async () => cleanup())().finally(() => take(once))
        return running
      }
      if (stack.length === 0 && !ending) listen()
      stack.push(once)
      return { release: () => take(once), run: once }
    },
    run,
    unlessEnding: () => (ending ? new Promise<never>(() => undefined) : Promise.resolve()),
  }
}

/** The stack of this process. */
export const cleanups = createCleanups()
