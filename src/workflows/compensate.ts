import { ActivityFailure, CancellationScope } from '@temporalio/workflow'
import type { Effect, UndoOutcome } from '../run/effect.ts'
import { inUndoOrder, worstVerdict } from '../run/verdict.ts'
import type { Activities } from './activities.ts'
import type { RunState } from './run-state.ts'

/**
 * Undoes effects, newest first. One that fails stops no other and is never hidden: its verdict and note stay on the
 * effect. Not cancellable: half an undo is worse than either end.
 */
export async function compensate(run: RunState, activities: Activities, effects: readonly Effect[]): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    for (const effect of inUndoOrder(effects)) {
      const outcome = await undoOne(run, activities, effect)
      effect.verdict = outcome.verdict
      effect.guard = outcome.guard
      effect.note = outcome.note
      if (outcome.verdict === 'discarded') effect.state = 'discarded'
      else if (outcome.verdict === 'exact' || outcome.verdict === 'equivalent') effect.state = 'undone'
      run.changed()
    }
  })
}

async function undoOne(run: RunState, activities: Activities, effect: Effect): Promise<UndoOutcome> {
  if (effect.state === 'held') {
    // No claim was ever made for it: claims are made by `perform` alone, and nothing scheduled one.
    return { verdict: 'discarded', guard: null, note: 'held, never sent', readBack: null, drift: [] }
  }
  if (effect.compensation.kind === 'none') {
    const note = `nothing can undo it: ${effect.compensation.reason}`
    return { verdict: 'irreversible', guard: null, note, readBack: null, drift: [] }
  }
  const connector = run.agent.connectors.find((each) => each.name === effect.request.connector)
  if (!connector) {
    const note = `connector "${effect.request.connector}" is not among the agent's`
    return { verdict: 'failed', guard: null, note, readBack: null, drift: [] }
  }
  const { method, target } = effect.request
  try {
    return await activities.undo.undo.executeWithOptions(
      { summary: `undo ${effect.id}: ${method} ${target} on ${connector.name} (${effect.compensation.kind})` },
      [{ run: run.id, effect, connector, force: false }],
    )
  } catch (error) {
    const note = `undoing it failed after every retry: ${rootMessage(error)}`
    return { verdict: 'failed', guard: null, note, readBack: null, drift: [] }
  }
}

/** What whoever failed had to say: Temporal's own wrapping only tells that an activity failed. */
export function rootMessage(error: unknown): string {
  let current = error
  while (current instanceof ActivityFailure && current.cause) current = current.cause
  return current instanceof Error ? current.message : String(current)
}

/** Undoes a whole run and says on it how well that went. */
export async function compensateRun(
  run: RunState,
  activities: Activities,
  why: { reason: string; actor: string | null },
): Promise<void> {
  const effects = inUndoOrder(run.effects)
  if (effects.length === 0) return
  run.undo = { ...why, verdict: null, failures: [] }
  run.setPhase('undoing')
  await compensate(run, activities, effects)
  const undone = run.effects.filter((effect) => effect.verdict !== null)
  run.undo = {
    ...why,
    verdict: worstVerdict(undone.map((effect) => effect.verdict ?? 'failed')),
    failures: undone.flatMap(({ id, verdict, note }) =>
      verdict === null || verdict === 'exact' || verdict === 'equivalent' || verdict === 'discarded'
        ? []
        : [{ effect: id, verdict, note: note ?? '' }],
    ),
  }
  run.setUndoVerdict()
}
