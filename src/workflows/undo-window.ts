import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineQuery,
  defineUpdate,
  makeContinueAsNewFunc,
  setHandler,
} from '@temporalio/workflow'
import { QUERIES, toTaskQueues, UPDATES, WORKFLOWS } from '../run/names.ts'
import type { Decide } from '../run/signals.ts'
import type { Stored } from '../run/stored.ts'
import { isRestored } from '../run/verdict.ts'
import type { RunView } from '../run/view.ts'
import { activitiesOf } from './activities.ts'
import { compensateRun } from './compensate.ts'
import { noneAfterSettling } from './decisions.ts'
import { type Asked, RunState } from './run-state.ts'
import { confirmSignal, readSignal, toAsked, undoSignal } from './signals.ts'

/** The one argument of the workflow `undoWindow`: the run by reference, so that its history starts small. */
export interface UndoWindowInput {
  readonly run: Stored
  readonly taskQueue: string
  /** Somebody said undo between the last look and the continuation; null: nobody did. */
  readonly undo: Asked | null
}

export interface UndoWindowResult {
  readonly phase: RunView['phase']
  readonly answer: string | null
  readonly reason: string | null
}

const decideUpdate = defineUpdate<void, [Decide]>(UPDATES.decide)
const runQuery = defineQuery<RunView | null>(QUERIES.run)

/**
 * A settled run while it can still be undone. An undo that did not succeed for every effect can be asked for again until
 * the window ends; when it ends, the run is as it is.
 */
export async function undoWindow(input: UndoWindowInput): Promise<UndoWindowResult> {
  const activities = activitiesOf(toTaskQueues(input.taskQueue))
  let run: RunState | null = null
  let asked: Asked | null = input.undo
  const early: string[] = []
  const notice = (text: string) => {
    if (run) run.notice(text)
    else early.push(text)
  }
  const refuse = (): never => {
    throw noneAfterSettling()
  }
  setHandler(runQuery, () => run?.view() ?? null)
  setHandler(undoSignal, (raw) => {
    const signal = readSignal('undo', raw)
    if (!signal.ok) return notice(signal.notice)
    asked = { reason: toAsked(signal.payload.note), actor: signal.payload.actor ?? null }
  })
  setHandler(confirmSignal, () => notice('the signal confirm was ignored: the run is settled'))
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
      const why: Asked = asked
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
