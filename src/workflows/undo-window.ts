import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  makeContinueAsNewFunc,
  setHandler,
} from '@temporalio/workflow'
import { QUERIES, SIGNALS, toTaskQueues, UPDATES, WORKFLOWS } from '../run/names.ts'
import { Decide, SignalPayload } from '../run/signals.ts'
import type { Stored } from '../run/stored.ts'
import { isRestored } from '../run/verdict.ts'
import type { RunView } from '../run/view.ts'
import { activitiesOf } from './activities.ts'
import { compensateRun } from './compensate.ts'
import { RunState } from './run-state.ts'

/** The one argument of the workflow `undoWindow`: the run by reference, so that its history starts small. */
export interface UndoWindowInput {
  readonly run: Stored
  readonly taskQueue: string
  /** Somebody said undo between the last look and the continuation. */
  readonly undo: boolean
}

export interface UndoWindowResult {
  readonly phase: RunView['phase']
  readonly answer: string | null
  readonly reason: string | null
}

const undoSignal = defineSignal<[SignalPayload?]>(SIGNALS.undo)
const confirmSignal = defineSignal<[SignalPayload?]>(SIGNALS.confirm)
const decideUpdate = defineUpdate<void, [Decide]>(UPDATES.decide)
const runQuery = defineQuery<RunView | null>(QUERIES.run)

/**
 * A settled run while it can still be undone. An undo that did not succeed for every effect can be asked for again until
 * the window ends; when it ends, the run is as it is.
 */
export async function undoWindow(input: UndoWindowInput): Promise<UndoWindowResult> {
  const activities = activitiesOf(toTaskQueues(input.taskQueue))
  let run: RunState | null = null
  let asked: { reason: string; actor: string | null } | null = input.undo ? { reason: 'asked to', actor: null } : null
  const early: string[] = []
  const notice = (text: string) => {
    if (run) {
      run.notices.push(text)
      run.changed()
    } else early.push(text)
  }
  const refuse = (): never => {
    throw ApplicationFailure.nonRetryable(
      `the run is settled${run ? ` (${run.phase})` : ''}: no decision is open`,
      'NO_DECISION',
    )
  }
  setHandler(runQuery, () => run?.view() ?? null)
  setHandler(undoSignal, (raw) => {
    const parsed = SignalPayload.safeParse(raw ?? {})
    if (!parsed.success) return notice('the signal undo was ignored: its payload is not understood')
    if (parsed.data.effects?.length) {
      return notice('the signal undo was ignored: single effects can not be chosen yet')
    }
    asked = {
      reason: parsed.data.note ? `asked to: ${parsed.data.note}` : 'asked to',
      actor: parsed.data.actor ?? null,
    }
  })
  setHandler(confirmSignal, () => notice('a confirm signal was ignored: the run is settled'))
  setHandler(decideUpdate, (_: Decide) => refuse(), { validator: (_: Decide) => refuse() })

  return await CancellationScope.nonCancellable(async () => {
    const { view, agent } = await activities.run.loadRun.executeWithOptions({ summary: 'take up the journal' }, [
      { run: input.run },
    ])
    run = RunState.from(view, agent)
    run.notices.push(...early)
    run.changed()
    const ends = Date.parse(view.windowEnds ?? view.started)
    for (;;) {
      const summary = `until ${view.windowEnds ?? 'now'} it can be undone`
      const undo = await condition(() => asked !== null, Math.max(1, ends - Date.now()), { summary })
      if (!undo || !asked) break
      const why: { reason: string; actor: string | null } = asked
      asked = null
      await compensateRun(run, activities, why)
      const done = isRestored(run.undo?.verdict ?? null)
      if (done) run.reason = null
      run.setPhase(done ? 'undone' : 'attention')
      if (done) break
    }
    if (run.phase === 'confirmed') run.setPhase('completed')
    await condition(allHandlersFinished)
    const { phase, answer, reason } = run
    return { phase, answer, reason }
  })
}

/** Ends the current run of the workflow and goes on as `undoWindow` under the same id. */
export const continueAsUndoWindow = makeContinueAsNewFunc<typeof undoWindow>({ workflowType: WORKFLOWS.undoWindow })
