import type { Effect, Verdict } from '../../run/effect.ts'
import type { FieldChange } from '../../run/diff.ts'
import type { RunView } from '../../run/view.ts'
import { oneLine } from './text.ts'

/** What each verdict says to a person; never more than was read. */
export const VERDICTS: Readonly<Record<Verdict, string>> = {
  exact: 'undone; read back exactly as it was before',
  equivalent: 'undone; read back as it was before, apart from fields the service manages',
  discarded: 'it was held and never sent',
  drifted: 'not undone: somebody changed it since, so it was left as it is',
  unverified: 'an undo was sent, and what came of it could not be read back',
  failed: 'not undone: the undo failed',
  irreversible: 'not undone: nothing can undo it',
}

const GONE: ReadonlySet<Verdict> = new Set(['exact', 'equivalent', 'discarded'])

/** Effects of an undone run that are, or may be, still there. */
export function notUndone(run: RunView): { effect: Effect; why: string }[] {
  if (run.undo === null) return []
  return run.effects.flatMap((effect) => {
    const failure = run.undo?.failures.find((each) => each.effect === effect.id)
    if (failure)
      return [{ effect, why: `${VERDICTS[failure.verdict]}${failure.note ? ` (${oneLine(failure.note)})` : ''}` }]
    if (effect.verdict !== null) return GONE.has(effect.verdict) ? [] : [{ effect, why: VERDICTS[effect.verdict] }]
    if (effect.state === 'unknown') return [{ effect, why: 'nobody knows whether it was sent' }]
    return effect.state === 'performed' ? [{ effect, why: 'not undone' }] : []
  })
}

/** `PATCH /events/1 on calendar`. */
export function showRequest(effect: Effect): string {
  return `${effect.request.method} ${oneLine(effect.request.target)} on ${oneLine(effect.request.connector)}`
}

export function showState(effect: Effect): string {
  if (effect.state === 'undone' && effect.verdict !== null) return `undone, ${effect.verdict}`
  return effect.verdict === null || effect.verdict === effect.state
    ? effect.state
    : `${effect.state}, ${effect.verdict}`
}

/** `start: "09:00" → "10:00"`; the values are JSON. */
export function showChange(change: FieldChange, width = 60): string {
  const value = (text: string | null) => (text === null ? 'nothing' : oneLine(text, width))
  return `${oneLine(change.path) || '(all of it)'}: ${value(change.before)} → ${value(change.after)}`
}
