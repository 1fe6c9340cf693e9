import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow'
import { digestOf } from '../run/digest.ts'
import { inUndoOrder, isRestored } from '../run/verdict.ts'
import type { RunView } from '../run/view.ts'
import { compensateRun, rootMessage } from './compensate.ts'
import type { RunContext } from './context.ts'
import { toAsked } from './signals.ts'
import { continueAsUndoWindow } from './undo-window.ts'

/** What the workflow returns: enough for somebody who only looks at results. */
export interface RunResult {
  readonly phase: RunView['phase']
  readonly answer: string | null
  readonly reason: string | null
}

/** What a run comes to once nothing goes forward any more. */
export async function conclude(context: RunContext): Promise<RunResult> {
  const { run } = context
  if (!run.stop && inUndoOrder(run.effects).length === 0) {
    run.setPhase('completed')
    return toResult(context)
  }
  if (!run.stop) {
    const answer = await confirmOrUndo(context)
    run.reason = null
    if (answer === 'confirm' && (await release(context))) return await keepUndoable(context)
    run.stop ??= {
      kind: 'undo',
      reason: answer === 'confirm' ? 'releasing failed' : 'the decision was to undo',
      actor: null,
    }
  }
  const { kind, reason, actor } = run.stop
  run.reason = kind === 'undo' ? null : reason
  for (const step of run.steps) if (step.state !== 'done' && step.state !== 'failed') step.state = 'skipped'
  await compensateRun(run, context.activities, { reason, actor })
  if (run.undo && !isRestored(run.undo.verdict)) {
    run.reason = `${reason}; not everything could be undone: ${run.undo.failures.map((each) => `${each.effect} is ${each.verdict}`).join(', ')}`
    return await keepUndoable(context)
  }
  run.setPhase(({ undo: 'undone', cancel: 'cancelled', reject: 'rejected', fail: 'failed' } as const)[kind])
  return toResult(context)
}

async function confirmOrUndo(context: RunContext): Promise<'confirm' | 'undo'> {
  const { run, input, decisions } = context
  const { policy } = run.agent
  const how = stricterConfirm(policy.confirm, input.confirm)
  const clean = run.findings.length === 0
  if (how === 'auto' && clean) return 'confirm'
  if (how === 'judge' && clean) {
    const { answer, reason } = await judge(context)
    if (answer === 'undo') run.stop ??= { kind: 'undo', reason: `the judge said undo: ${reason}`, actor: 'judge' }
    if (answer !== 'human') return answer
  }
  run.setPhase('waiting')
  const effects = inUndoOrder(run.effects)
  const question = {
    kind: 'confirm',
    digest: digestOf({
      effects: effects.map(({ id, state, request, after, diff }) => ({ id, state, request, after, diff })),
      findings: run.findings,
    }),
    question: clean
      ? `Confirm ${effects.length} effect(s), all in the plan?`
      : `Confirm or undo? ${run.findings.map((finding) => finding.message).join('; ')}.`,
    effects: effects.map((effect) => effect.id),
    step: null,
    recommended: clean ? 'confirm' : 'undo',
    withinMs: policy.confirmWithinMs,
    onTimeout: policy.onConfirmTimeout,
  } as const
  for (;;) {
    const record = await decisions.ask(question, () => run.stop !== null)
    if (!record || run.stop) return 'undo'
    if (record.answer === 'confirm') return 'confirm'
    if (record.answer !== 'timeout') {
      run.stop = { kind: 'undo', reason: toAsked(record.note), actor: record.actor }
      return 'undo'
    }
    if (policy.onConfirmTimeout !== 'escalate') {
      const reason = `nobody decided by ${record.deadline}, and the policy then says ${policy.onConfirmTimeout}`
      run.notice(reason)
      if (policy.onConfirmTimeout === 'undo') run.stop = { kind: 'undo', reason, actor: null }
      return policy.onConfirmTimeout
    }
    run.reason = `nobody decided by ${record.deadline}`
    run.setPhase('attention')
  }
}

function stricterConfirm(
  a: 'human' | 'judge' | 'auto',
  b: 'human' | 'judge' | 'auto' | null,
): 'human' | 'judge' | 'auto' {
  const order = ['auto', 'judge', 'human'] as const
  return b && order.indexOf(b) > order.indexOf(a) ? b : a
}

async function judge(context: RunContext): Promise<{ answer: 'confirm' | 'undo' | 'human'; reason: string }> {
  const { run, input, activities } = context
  const scope = new CancellationScope()
  try {
    const judging = scope.run(() =>
      activities.model.judge.executeWithOptions({ summary: 'judge the effects' }, [
        {
          agent: run.agent,
          request: input.request,
          plan: run.plan ?? { steps: [] },
          effects: run.effects,
          findings: run.findings,
        },
      ]),
    )
    // A person who says undo does not wait for a model.
    void condition(() => run.stop !== null).then(() => scope.cancel())
    const judged = run.charge(await judging)
    run.notice(`the judge said ${judged.answer}: ${judged.reason}`)
    return judged
  } catch (error) {
    const reason = rootMessage(error)
    if (run.stop) return { answer: 'undo', reason }
    run.notice(`the judge could not be asked: ${reason}`)
    return { answer: 'human', reason }
  }
}

/** Sends what was held, one by one, oldest first. False: one did not go through, or somebody said undo meanwhile. */
async function release(context: RunContext): Promise<boolean> {
  const { run, effects } = context
  const held = run.effects.filter((effect) => effect.state === 'held')
  if (held.length > 0 && !run.stop) run.setPhase('releasing')
  for (const effect of held) {
    if (run.stop) return false
    await effects.release(effect)
    if (effect.state === 'performed') continue
    run.stop ??= {
      kind: 'fail',
      reason: `${effect.id} could not be released: ${effect.note ?? effect.state}`,
      actor: null,
    }
    return false
  }
  return !run.stop
}

/** A run that can still be undone (or must be looked at) lives on as the workflow `undoWindow`, under the same id. */
async function keepUndoable(context: RunContext): Promise<RunResult> {
  const { run, input, activities } = context
  const attention = run.undo !== null
  // Whoever says it from now on means what could not be undone, or what was confirmed.
  run.undoAsked = null
  const { undoWindowMs } = run.agent.policy
  if (undoWindowMs > 0) run.windowEnds = new Date(Date.now() + undoWindowMs).toISOString()
  run.setPhase(attention ? 'attention' : 'confirmed')
  if (undoWindowMs === 0) {
    if (!attention) run.setPhase('completed')
    return toResult(context)
  }
  const stored = await activities.run.storeRun.executeWithOptions({ summary: 'keep the journal' }, [
    { view: run.view(), agent: run.agent },
  ])
  await condition(allHandlersFinished)
  return await continueAsUndoWindow({ run: stored, taskQueue: input.taskQueue, undo: run.undoAsked })
}

function toResult(context: RunContext): RunResult {
  const { phase, answer, reason } = context.run
  return { phase, answer, reason }
}
