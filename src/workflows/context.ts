import type { RunInput } from '../run/input.ts'
import type { Activities } from './activities.ts'
import type { Attempts } from './attempts.ts'
import type { Decisions } from './decisions.ts'
import type { Effects } from './effects.ts'
import type { RunState } from './run-state.ts'

/** What the parts of a run's life share. */
export interface RunContext {
  readonly input: RunInput
  readonly run: RunState
  readonly activities: Activities
  readonly attempts: Attempts
  readonly effects: Effects
  readonly decisions: Decisions
}

/** A step is over and did not succeed: the run undoes what was done and ends. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed'
  readonly kind: 'fail' | 'reject'

  constructor(kind: 'fail' | 'reject', message: string) {
    super(message)
    this.kind = kind
  }
}
