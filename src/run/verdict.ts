import type { Effect, Verdict } from './effect.ts'

/** From best to worst. */
const ORDER: readonly Verdict[] = [
  'discarded',
  'exact',
  'equivalent',
  'unverified',
  'drifted',
  'irreversible',
  'failed',
]

export function worstVerdict(verdicts: readonly Verdict[]): Verdict | null {
  return verdicts.reduce<Verdict | null>(
    (worst, each) => (worst === null || ORDER.indexOf(each) > ORDER.indexOf(worst) ? each : worst),
    null,
  )
}

/** Verdicts after which the world is known to be as it was. Anything else needs a person. */
export function isRestored(verdict: Verdict | null): boolean {
  return verdict === 'discarded' || verdict === 'exact' || verdict === 'equivalent'
}

/** True where there is nothing (left) to undo: never sent, refused, or already undone with a good verdict. */
export function isSettledBack(effect: Effect): boolean {
  return effect.state === 'refused' || isRestored(effect.verdict)
}

/** Newest first: what is still held or was never sent comes before what completed last. */
export function inUndoOrder(effects: readonly Effect[]): Effect[] {
  return [...effects]
    .filter((effect) => !isSettledBack(effect))
    .sort((a, b) => (b.completed ?? Number.MAX_SAFE_INTEGER) - (a.completed ?? Number.MAX_SAFE_INTEGER))
}
