import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { digestOf } from '../run/digest.ts'
import { RunInput } from '../run/input.ts'
import { QUERIES, SIGNALS, toTaskQueues, UPDATES } from '../run/names.ts'
import type { Plan, Step } from '../run/plan.ts'
import { announcementErrors, dependenciesOf } from '../run/check-plan.ts'
import type { BeginAttempt, BegunAttempt, Evidence, PerformedEffect, PerformEffect } from '../run/ports.ts'
import { Decide, SignalPayload } from '../run/signals.ts'
import { inUndoOrder, isRestored } from '../run/verdict.ts'
import type { DecisionRecord, RunView } from '../run/view.ts'
import { activitiesOf } from './activities.ts'
import { Attempts } from './attempts.ts'
import { codeStep } from './code-step.ts'
import { compensateRun, rootMessage } from './compensate.ts'
import { type RunContext, StepFailed } from './context.ts'
import { Decisions } from './decisions.ts'
import { Effects } from './effects.ts'
import { routeRequest } from './route.ts'
import { RunState, type Stop } from './run-state.ts'
import { toolStep } from './tool-step.ts'
import { continueAsUndoWindow } from './undo-window.ts'

/** What the workflow returns: enough for somebody who only looks at results. */
export interface RunResult {
  readonly phase: RunView['phase']
  readonly answer: string | null
  readonly reason: string | null
}

export const undoSignal = defineSignal<[SignalPayload?]>(SIGNALS.undo)
export const confirmSignal = defineSignal<[SignalPayload?]>(SIGNALS.confirm)
export const decideUpdate = defineUpdate<DecisionRecord, [Decide]>(UPDATES.decide)
export const beginAttemptUpdate = defineUpdate<BegunAttempt, [BeginAttempt]>(UPDATES.beginAttempt)
export const performEffectUpdate = defineUpdate<PerformedEffect, [PerformEffect]>(UPDATES.performEffect)
export const runQuery = defineQuery<RunView>(QUERIES.run)

/**
 * The life of a run:
 *
 *     plan ▸ check ▸ steps ▸ solve ─▶ confirm? ─▶ release ─▶ undo window
 *                                        └─ undo ─▶ undone, verified
 *
 * The forward part runs in a scope of its own that an undo, a cancellation or a failed step ends. Everything after it is
 * not cancellable: a run always ends with the world restored, or with a report that says what is not.
 */
export async function agentRun(raw: RunInput): Promise<RunResult> {
  const context = createContext(raw)
  const outside = CancellationScope.current()
  return await CancellationScope.nonCancellable(async () => {
    const forward = new CancellationScope()
    const stop = (why: Stop) => {
      context.run.stop ??= why
      forward.cancel()
    }
    outside.cancelRequested.catch(() => stop({ kind: 'cancel', reason: 'the run was cancelled', actor: null }))
    listen(context, stop)
    await goForward(context, forward, stop)
    await context.attempts.closeAll()
    await condition(allHandlersFinished)
    return await conclude(context)
  })
}

function createContext(raw: RunInput): RunContext {
  const parsed = RunInput.safeParse(raw)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`)
    throw ApplicationFailure.nonRetryable(`this run can not start: ${problems.join('; ')}`, 'INVALID_REQUEST')
  }
  const input = parsed.data
  const run = new RunState(input)
  const activities = activitiesOf(toTaskQueues(input.taskQueue))
  const attempts = new Attempts(run, activities)
  const effects = new Effects(run, activities, attempts)
  return { input, run, activities, attempts, effects, decisions: new Decisions(run) }
}

function listen(context: RunContext, stop: (why: Stop) => void): void {
  const { run, attempts, effects, decisions } = context
  setHandler(runQuery, () => run.view())
  setHandler(undoSignal, (raw) => {
    const payload = readPayload(context, 'undo', raw)
    if (!payload) return
    const actor = payload.actor ?? null
    stop({ kind: 'undo', reason: payload.note ? `asked to: ${payload.note}` : 'asked to', actor })
  })
  setHandler(confirmSignal, (raw) => {
    const payload = readPayload(context, 'confirm', raw)
    if (!payload) return
    decisions.confirm(payload, run.isResolved ? run.agent.policy.approvers : [])
    run.changed()
  })
  setHandler(decideUpdate, (args) => decisions.answer(Decide.parse(args)), {
    validator: (args) => {
      const parsed = Decide.safeParse(args)
      if (!parsed.success) throw ApplicationFailure.nonRetryable(parsed.error.message, 'INVALID_ANSWER')
      decisions.check(parsed.data)
    },
  })
  setHandler(beginAttemptUpdate, (args) => attempts.begin(args), { validator: (args) => attempts.checkBegin(args) })
  setHandler(performEffectUpdate, (args) => effects.perform(args), { validator: (args) => attempts.checkEffect(args) })
}

function readPayload(context: RunContext, signal: string, raw: unknown): SignalPayload | null {
  const parsed = SignalPayload.safeParse(raw ?? {})
  const ignore = (why: string) => {
    context.run.notices.push(`the signal ${signal} was ignored: ${why}`)
    context.run.changed()
    return null
  }
  if (!parsed.success) return ignore(`its payload is not understood: ${parsed.error.issues[0]?.message ?? ''}`)
  if (parsed.data.effects?.length)
    return ignore('single effects can not be chosen yet; without "effects" it is for all of them')
  return parsed.data
}

/** plan ▸ check ▸ steps ▸ solve; a failure ends up as `run.stop`. */
async function goForward(context: RunContext, forward: CancellationScope, stop: (why: Stop) => void): Promise<void> {
  try {
    await forward.run(async () => {
      await open(context)
      if (context.run.agent.mode === 'route' && !context.input.plan && !context.input.given) {
        context.run.answer = await routeRequest(context)
        return
      }
      const plan = await makePlan(context)
      context.run.setPlan(plan)
      context.run.setPhase('acting')
      await runSteps(context, plan, stop)
      await solve(context, plan)
    })
  } catch (error) {
    if (isCancellation(error) && context.run.stop) return
    const kind = error instanceof StepFailed ? error.kind : 'fail'
    stop({ kind, reason: rootMessage(error), actor: null })
  }
}

/** Who runs it, and that nobody used this id before. */
async function open(context: RunContext): Promise<void> {
  const { run, input, activities } = context
  const first = workflowInfo().firstExecutionRunId
  const [claim, resolved] = await Promise.all([
    activities.egress.claimRun.executeWithOptions({ summary: 'claim the run id' }, [{ run: run.id, first }]),
    activities.run.resolveAgent.executeWithOptions({ summary: `agent ${input.agent}` }, [{ agent: input.agent }]),
  ])
  if (claim.kind === 'taken')
    throw new StepFailed('fail', `the id ${run.id} belongs to an earlier run; ids are never used twice`)
  if (resolved.kind === 'unknown') throw new StepFailed('fail', resolved.error)
  run.agent = resolved.agent
}

/** A plan that was handed in, code that was handed in as a plan of one step, or the planner's. Checked all the same. */
async function makePlan(context: RunContext): Promise<Plan> {
  const { run, input, activities, effects } = context
  if (input.given) {
    const { language, announce } = input.given
    if (!announce) effects.announcesAll.add('s1')
    const errors = announcementErrors(run.agent, 's1', announce ?? [])
    if (errors.length > 0) throw new StepFailed('fail', errors.join('; '))
    const plan: Plan = {
      steps: [
        {
          id: 's1',
          kind: 'code',
          purpose: input.request.slice(0, 2000),
          after: [],
          language,
          announce: announce ?? [],
        },
      ],
    }
    return plan
  }
  let previous: { plan: unknown; errors: string[] } | null = null
  const tries = input.plan ? 1 : 1 + run.agent.budgets.repairs
  for (let attempt = 1; attempt <= tries; attempt++) {
    const plan: unknown = input.plan ?? (await askPlanner(context, previous))
    const checked = await activities.run.checkPlan.executeWithOptions({ summary: 'check the plan' }, [
      { agent: run.agent, plan },
    ])
    if (checked.kind === 'ok') return checked.plan
    previous = { plan, errors: checked.errors }
  }
  throw new StepFailed('fail', `there is no usable plan: ${previous?.errors.join('; ')}`)
}

async function askPlanner(context: RunContext, previous: { plan: unknown; errors: string[] } | null): Promise<unknown> {
  const { run, input, activities } = context
  const answer = run.charge(
    await activities.model.plan.executeWithOptions({ summary: previous ? 'mend the plan' : 'plan' }, [
      { agent: run.agent, request: input.request, input: input.input, previous },
    ]),
  )
  if (answer.kind === 'plan') return answer.plan
  throw new StepFailed('fail', `the planner gave no plan: ${answer.error}`)
}

/** Ready steps run in parallel; the first that fails for good ends them all. */
async function runSteps(context: RunContext, plan: Plan, stop: (why: Stop) => void): Promise<void> {
  const ids = new Set(plan.steps.map((step) => step.id))
  const started = new Map<string, Promise<void>>()
  let running = 0
  const start = (step: Step): Promise<void> => {
    const known = started.get(step.id)
    if (known) return known
    const mine = (async () => {
      const needed = dependenciesOf(step, ids)
      await Promise.all(plan.steps.filter((each) => needed.includes(each.id)).map(start))
      await condition(() => running < context.run.agent.budgets.parallel)
      running += 1
      try {
        await runStep(context, step, evidenceOf(context, needed))
      } catch (error) {
        if (!isCancellation(error)) {
          context.run.step(step.id).error ??= rootMessage(error)
          context.run.setStep(step.id, 'failed')
          stop({ kind: error instanceof StepFailed ? error.kind : 'fail', reason: rootMessage(error), actor: null })
        }
        throw error
      } finally {
        running -= 1
      }
    })()
    started.set(step.id, mine)
    return mine
  }
  const settled = await Promise.allSettled(plan.steps.map(start))
  for (const each of settled) if (each.status === 'rejected') throw each.reason
}

async function runStep(context: RunContext, step: Step, evidence: Evidence[]): Promise<void> {
  switch (step.kind) {
    case 'code':
      return await codeStep(context, step, evidence)
    case 'tool':
      return await toolStep(context, step)
    case 'answer':
      // The solver answers when every step is done; an answer step only says on what the answer rests.
      return context.run.setStep(step.id, 'done')
  }
}

function evidenceOf(context: RunContext, steps: readonly string[]): Evidence[] {
  return context.run.steps.flatMap(({ id, evidence, error }) =>
    !steps.includes(id) || (!evidence && !error) ? [] : [{ step: id, evidence, note: evidence ? null : error }],
  )
}

async function solve(context: RunContext, plan: Plan): Promise<void> {
  const { run, input, activities } = context
  if (input.given || (input.plan && !plan.steps.some((step) => step.kind === 'answer'))) {
    run.answer = run.steps.at(-1)?.evidence?.text?.trim() ?? null
    return
  }
  const answer = run.charge(
    await activities.model.solve.executeWithOptions({ summary: 'answer from the evidence' }, [
      {
        agent: run.agent,
        request: input.request,
        input: input.input,
        plan,
        evidence: evidenceOf(
          context,
          run.steps.map((step) => step.id),
        ),
        effects: run.effects.map(
          ({ id, request, state, announced }) =>
            `${id} ${request.method} ${request.target} on ${request.connector}: ${state}${announced ? '' : ', not in the plan'}`,
        ),
      },
    ]),
  )
  run.answer = answer.kind === 'answer' ? answer.answer : run.agent.responses.default
  if (answer.kind === 'unusable') run.notices.push(`the solver gave no answer: ${answer.error}`)
}

/** What a run comes to once nothing goes forward any more. */
async function conclude(context: RunContext): Promise<RunResult> {
  const { run } = context
  if (!run.stop && inUndoOrder(run.effects).length === 0) {
    run.setPhase('completed')
    return toResult(context)
  }
  if (!run.stop) {
    const answer = await confirmOrUndo(context)
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
    const judged = await judge(context)
    if (judged !== 'human') return judged
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
      run.stop = { kind: 'undo', reason: record.note ? `asked to: ${record.note}` : 'asked to', actor: record.actor }
      return 'undo'
    }
    if (policy.onConfirmTimeout !== 'escalate') {
      const reason = `nobody decided by ${record.deadline}, and the policy then says ${policy.onConfirmTimeout}`
      run.notices.push(reason)
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

async function judge(context: RunContext): Promise<'confirm' | 'undo' | 'human'> {
  const { run, input, activities } = context
  try {
    const judged = run.charge(
      await activities.model.judge.executeWithOptions({ summary: 'judge the effects' }, [
        {
          agent: run.agent,
          request: input.request,
          plan: run.plan ?? { steps: [] },
          effects: run.effects,
          findings: run.findings,
        },
      ]),
    )
    run.notices.push(`the judge said ${judged.answer}: ${judged.reason}`)
    return judged.answer
  } catch (error) {
    run.notices.push(`the judge could not be asked: ${rootMessage(error)}`)
    return 'human'
  }
}

/** Sends what was held, one by one, oldest first. False: one did not go through, or somebody said undo meanwhile. */
async function release(context: RunContext): Promise<boolean> {
  const { run, effects } = context
  const held = run.effects.filter((effect) => effect.state === 'held')
  if (held.length === 0) return true
  run.setPhase('releasing')
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
  return await continueAsUndoWindow({
    run: stored,
    taskQueue: input.taskQueue,
    undo: run.stop?.kind === 'undo' && !attention,
  })
}

function toResult(context: RunContext): RunResult {
  const { phase, answer, reason } = context.run
  return { phase, answer, reason }
}
