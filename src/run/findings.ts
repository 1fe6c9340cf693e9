/** What validation noticed by comparing the plan with the effects that happened. Never from what the code says. */
export interface Finding {
  readonly kind:
    /** An effect the plan did not announce. */
    | 'unannounced'
    /** An announced mutation that did not happen. */
    | 'missing'
    /** A request the gateway refused by policy. */
    | 'denied'
    /** An effect whose outcome nobody knows. */
    | 'unknown'
    /** An effect nothing can undo. */
    | 'irreversible'
  readonly step: string
  readonly effect: string | null
  /** One sentence, e.g. `PATCH /events/1 on calendar was not in the plan`. */
  readonly message: string
}
