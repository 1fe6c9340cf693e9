import type { Method, Permission } from './agent.ts'
import type { FieldChange } from './diff.ts'
import type { Stored } from './stored.ts'

/** An effect: one mutation of the world, with everything needed to take it back. The journal is a list of these. */

/** What a read of a resource showed. `absent`: the service answered 404 or 410. */
export type Reading =
  | { readonly state: 'present'; readonly etag: string | null; readonly body: Stored }
  | { readonly state: 'absent' }
  | { readonly state: 'unreadable'; readonly reason: string }

/** A request in canonical form: what is matched is what is journaled is what is sent. */
export interface EffectRequest {
  readonly connector: string
  readonly method: Method
  /** Canonical path and query, e.g. `/events/1?notify=false`. */
  readonly target: string
  /** The declared route that matched, or null. */
  readonly route: string | null
  /** Allow-listed headers, lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Stored | null
  /** Canonical path of the resource this changes when known before sending, else null. */
  readonly resource: string | null
}

/** How an effect is undone, as data, registered before the effect is sent. */
export type Compensation =
  /** Still held: drop it. */
  | { readonly kind: 'discard' }
  /**
   * Write the resource back as it was. `write` is the declared route to do it with: PATCH sends only the changed fields,
   * PUT the whole before-image with the changed fields put back, DELETE removes what provably did not exist before.
   */
  | { readonly kind: 'restore'; readonly method: 'PUT' | 'PATCH' | 'DELETE' }
  /**
   * The declared inverse; `template` may hold `{response.field}`, filled from the stored answer. `created`: only where
   * that answer proves that the effect created what the inverse removes.
   */
  | { readonly kind: 'inverse'; readonly method: Method; readonly template: string; readonly created?: true }
  /** Nothing undoes it; `reason` says why. */
  | { readonly kind: 'none'; readonly reason: string }

export type EffectState =
  /** Compensation registered; not sent as far as anybody knows. */
  | 'registered'
  /** In the outbox until the run is confirmed. */
  | 'held'
  | 'performed'
  /** The service refused it (4xx): nothing happened. */
  | 'refused'
  /** Sent or not sent, nobody knows: the run asks. */
  | 'unknown'
  /** Never sent, and never will be. */
  | 'discarded'
  /** Compensated; `verdict` says how well. */
  | 'undone'

export type Verdict = 'exact' | 'equivalent' | 'discarded' | 'drifted' | 'unverified' | 'failed' | 'irreversible'

/** Which guard kept an undo from overwriting somebody else's change. */
export type Guard = 'etag' | 'reread' | 'none'

export interface EffectAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Stored | null
}

export interface Effect {
  /** `<step>.<generation>.<n>` */
  readonly id: string
  readonly step: string
  readonly generation: number
  readonly request: EffectRequest
  readonly permission: Permission
  readonly announced: boolean
  /** Changes once at most: when a held effect is released, from `discard` to what undoes it after that. */
  compensation: Compensation
  state: EffectState
  /** null: not read (yet). */
  before: Reading | null
  after: Reading | null
  /** Resource path, also when only known from the answer. */
  resource: string | null
  answer: EffectAnswer | null
  /** True: the outcome was concluded from reading the resource, not from an answer. */
  inferred: boolean
  /** What the effect changed, field by field, volatile fields left out. Long values are shortened. */
  diff: FieldChange[]
  guard: Guard | null
  verdict: Verdict | null
  /** One sentence on the state or the verdict, when there is something to say. */
  note: string | null
  /** Place in the order of completion, from 1; compensation goes from the highest down. */
  completed: number | null
}

export interface OutcomePerformed {
  readonly kind: 'performed'
  readonly answer: EffectAnswer | null
  readonly resource: string | null
  readonly after: Reading | null
  readonly diff: FieldChange[]
  readonly inferred: boolean
}
/** What became of sending an effect. */
export type PerformOutcome =
  | OutcomePerformed
  | { readonly kind: 'refused'; readonly answer: EffectAnswer | null; readonly reason: string }
  /** Provably never sent, and fenced so that it never will be. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }

/** What became of undoing one. */
export interface UndoOutcome {
  readonly verdict: Verdict
  readonly guard: Guard | null
  readonly note: string
  /** What was read back afterwards. */
  readonly readBack: Reading | null
  /** For `drifted`: what somebody else changed since. */
  readonly drift: FieldChange[]
}
