import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineUpdate,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { z } from 'zod'
import { RunInput } from '../run/input.ts'
import { QUERIES, toTaskQueues, UPDATES } from '../run/names.ts'
import type { Plan, Step } from '../run/plan.ts'
import { announcementErrors, dependenciesOf } from '../run/check-plan.ts'
import type { BeginAttempt, BegunAttempt, Evidence, PerformedEffect, PerformEffect } from '../run/ports.ts'
import { Decide } from '../run/signals.ts'
import type { DecisionRecord, RunView } from '../run/view.ts'
import { activitiesOf } from './activities.ts'
import { Attempts } from './attempts.ts'
import { codeStep } from './code-step.ts'
import { rootMessage } from './compensate.ts'
import { conclude, type RunResult } from './conclude.ts'
import { type RunContext, StepFailed } from './context.ts'
import { Decisions } from './decisions.ts'
import { Effects } from './effects.ts'
import { routeRequest } from './route.ts'
import { RunState, type Stop } from './run-state.ts'
import { confirmSignal, readSignal, toAsked, undoSignal } from './signals.ts'
import { toolStep } from './tool-step.ts'

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
    throw ApplicationFailure.nonRetryable(
      `this run can not start: ${explain('input', parsed.error)}`,
      'INVALID_REQUEST',
    )
  }
  const input = parsed.data
  const run = new RunState(input)
  const activities = activitiesOf(toTaskQueues(input.taskQueue))
  const attempts = new Attempts(run, activities)
  const effects = new Effects(run, activities, attempts)
  return { input, run, activities, attempts, effects, decisions: new Decisions(run) }
}

function explain(what: string, { issues }: z.ZodError): string {
  return issues.map((issue) => `${issue.path.join('.') || what}: ${issue.message}`).join('; ')
}

function listen(context: RunContext, stop: (why: Stop) => void): void {
  const { run, attempts, effects, decisions } = context
  setHandler(runQuery, () => run.view())
  setHandler(undoSignal, (raw) => {
    const signal = readSignal('undo', raw)
    if (!signal.ok) return run.notice(signal.notice)
    run.undoAsked = { reason: toAsked(signal.payload.note), actor: signal.payload.actor ?? null }
    stop({ kind: 'undo', ...run.undoAsked })
  })
  setHandler(confirmSignal, (raw) => {
    const signal = readSignal('confirm', raw)
    if (!signal.ok) return run.notice(signal.notice)
    decisions.confirm(signal.payload, run.isResolved ? run.agent.policy.approvers : [])
  })
  setHandler(decideUpdate, (args) => decisions.answer(Decide.parse(args)), {
    validator: (args) => {
      const parsed = Decide.safeParse(args)
      if (!parsed.success) throw ApplicationFailure.nonRetryable(explain('answer', parsed.error), 'INVALID_ANSWER')
      decisions.check(parsed.data)
    },
  })
  setHandler(beginAttemptUpdate, (args) => attempts.begin(args, (sent) => effects.recall(args, sent)), {
    validator: (args) => attempts.checkBegin(args),
  })
  setHandler(performEffectUpdate, (args) => effects.perform(args), { validator: (args) => attempts.checkArrival(args) })
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
  const { parallel } = context.run.agent.budgets
  let running = 0
  const start = (step: Step): Promise<void> => {
    const known = started.get(step.id)
    if (known) return known
    const mine = (async () => {
      const needed = dependenciesOf(step, ids)
      await Promise.all(plan.steps.filter((each) => needed.includes(each.id)).map(start))
      // Looked at again: several may have been waiting for the same place.
      while (running >= parallel) await condition(() => running < parallel)
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
    const last = run.steps.at(-1)
    run.answer = last?.evidence?.text?.trim() ?? last?.error ?? null
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
  if (answer.kind === 'unusable') run.notice(`the solver gave no answer: ${answer.error}`)
}
