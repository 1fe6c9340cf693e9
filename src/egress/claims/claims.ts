/** Durable marks outside Temporal, create-if-absent. What makes "at most once" true across resets and terminations. */
export interface Claims {
  /**
   * Creates `key` with `value` unless it exists, synced to disk before it returns.
   * `created: false` answers what was there first, and its outcome if it has one.
   */
  create(key: string, value: unknown): Promise<{ created: true } | { created: false; value: unknown; outcome: unknown }>
  /** Stores the outcome of a claim, synced. The first outcome stays; a second is ignored. */
  settle(key: string, outcome: unknown): Promise<void>
  read(key: string): Promise<{ value: unknown; outcome: unknown } | null>
  /** Keys that start with `prefix`. */
  list(prefix: string): Promise<string[]>
}
