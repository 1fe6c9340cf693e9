import type { RunView } from '../../src/run/view.ts'

/** One run of the demo: what came of it, and everything that is not as it must be. */
export interface Outcome {
  readonly example: string
  readonly name: string
  readonly run: RunView
  /** Milliseconds from start to settled, kills and waits included. */
  readonly ms: number
  readonly killed: 'before the decision' | 'in the middle of the undo' | null
  readonly deviations: readonly string[]
}

/** Collects what deviates; the message says what was expected and what is so. */
export function createChecks(): {
  deviations: string[]
  equal: (what: string, actual: unknown, expected: unknown) => void
} {
  const deviations: string[] = []
  return {
    deviations,
    equal(what, actual, expected) {
      const [is, must] = [JSON.stringify(actual), JSON.stringify(expected)]
      if (is !== must) deviations.push(`${what}: expected ${must}, found ${is}`)
    },
  }
}
