import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow'
import type { AgentSnapshot } from '../run/agent.ts'
import { describeRun } from '../run/describe.ts'
import type { Effect } from '../run/effect.ts'
import type { Finding } from '../run/findings.ts'
import type { RunInput } from '../run/input.ts'
import type { Plan, Step } from '../run/plan.ts'
import type { Costed } from '../run/ports.ts'
import type { Decision, DecisionRecord, Phase, RunView, StepView, UndoView, Usage } from '../run/view.ts'
import { SETTLED } from '../run/view.ts'

const PHASE = defineSearchAttributeKey('RecoursePhase', SearchAttributeType.KEYWORD)
const NEEDS_DECISION = defineSearchAttributeKey('RecourseNeedsDecision', SearchAttributeType.BOOL)
const UNDO_VERDICT = defineSearchAttributeKey('RecourseUndoVerdict', SearchAttributeType.KEYWORD)

/** The latest of them: whoever sends signals in a loop must not fill the run. */
const MOST_NOTICES = 100

/** Who wants something undone, and why. */
export interface Asked {
  readonly reason: string
  readonly actor: string | null
}

/** Why the forward part of a run ends before it is through. The first reason stays. */
export interface Stop extends Asked {
  readonly kind: 'undo' | 'cancel' | 'reject' | 'fail'
}

/**
 * All a run knows about itself. Workflow code changes it through here only, so that what an operator sees (search
 * attributes, current details, the query) never lags behind.
 */
export class RunState {
  readonly id = workflowInfo().workflowId
  readonly effects: Effect[] = []
  readonly steps: StepView[] = []
  readonly decisions: DecisionRecord[] = []
  readonly notices: string[] = []
  readonly usage: Usage = { modelCalls: 0, promptTokens: 0, completionTokens: 0 }
  findings: Finding[] = []
  decision: Decision | null = null
  undo: UndoView | null = null
  plan: { steps: Step[] } | null = null
  answer: string | null = null
  reason: string | null = null
  stop: Stop | null = null
  /** The latest wish to undo: where an undo did not succeed, the next one tries again. */
  undoAsked: Asked | null = null
  windowEnds: string | null = null
  settled: string | null = null
  phase: Phase = 'planning'
  #agent: AgentSnapshot | null = null
  #completed = 0
  readonly input: Pick<RunInput, 'agent' | 'request' | 'requester'>
  #started: string
  #published: { phase: Phase; needs: boolean } = { phase: 'planning', needs: false }

  constructor(
    input: Pick<RunInput, 'agent' | 'request' | 'requester'>,
    started = workflowInfo().startTime.toISOString(),
  ) {
    this.input = input
    this.#started = started
  }

  /** Goes on from how a run was stored. */
  static from(view: RunView, agent: AgentSnapshot): RunState {
    const run = new RunState(view, view.started)
    run.#agent = agent
    run.effects.push(...view.effects)
    run.steps.push(...view.steps)
    run.decisions.push(...view.decisions)
    run.notices.push(...view.notices)
    Object.assign(run.usage, view.usage)
    run.findings = [...view.findings]
    run.plan = view.plan && { steps: [...view.plan.steps] }
    run.undo = view.undo
    run.answer = view.answer
    run.reason = view.reason
    run.windowEnds = view.windowEnds
    run.settled = view.settled
    run.phase = view.phase
    run.#published = { phase: view.phase, needs: view.decision !== null }
    run.#completed = Math.max(0, ...view.effects.map((effect) => effect.completed ?? 0))
    return run
  }

  get agent(): AgentSnapshot {
    if (!this.#agent) throw new Error('the agent is not resolved yet')
    return this.#agent
  }
  set agent(agent: AgentSnapshot) {
    this.#agent = agent
  }
  get isResolved(): boolean {
    return this.#agent !== null
  }

  setPlan(plan: Plan): void {
    this.plan = { steps: plan.steps }
    this.steps.splice(0, this.steps.length, ...plan.steps.map(toStepView))
    this.changed()
  }

  addStep(step: Step): StepView {
    this.plan = { steps: [...(this.plan?.steps ?? []), step] }
    const view = toStepView(step)
    this.steps.push(view)
    return view
  }

  step(id: string): StepView {
    const step = this.steps.find((each) => each.id === id)
    if (!step) throw new Error(`no step "${id}"`)
    return step
  }

  planned(id: string): Step {
    const step = this.plan?.steps.find((each) => each.id === id)
    if (!step) throw new Error(`no step "${id}" in the plan`)
    return step
  }

  effectsOf(step: string, generation: number): Effect[] {
    return this.effects.filter((effect) => effect.step === step && effect.generation === generation)
  }

  /** Counts a step's attempts; those that only its effects remember count as well. */
  nextGeneration(id: string): number {
    const step = this.step(id)
    const used = this.effects.filter((effect) => effect.step === id).map((effect) => effect.generation)
    return (step.generation = Math.max(step.generation, ...used) + 1)
  }

  nextCompleted(): number {
    return ++this.#completed
  }

  /** Takes the cost of a model activity off its answer. */
  charge<T extends Costed>(answer: T): T {
    this.usage.modelCalls += answer.usage.modelCalls
    this.usage.promptTokens += answer.usage.promptTokens
    this.usage.completionTokens += answer.usage.completionTokens
    return answer
  }

  /** Something an operator should know. */
  notice(text: string): void {
    this.notices.push(text)
    if (this.notices.length > MOST_NOTICES) this.notices.shift()
    this.changed()
  }

  setPhase(phase: Phase): void {
    this.phase = phase
    if (SETTLED.has(phase)) this.settled ??= new Date().toISOString()
    this.changed()
  }

  setStep(id: string, state: StepView['state']): void {
    this.step(id).state = state
    this.changed()
  }

  setUndoVerdict(): void {
    if (this.undo?.verdict) upsertSearchAttributes([{ key: UNDO_VERDICT, value: this.undo.verdict }])
    this.changed()
  }

  /** Tells operators: the search attributes if they changed (each costs an event), the details always (they cost nothing). */
  changed(): void {
    const needs = this.decision !== null || this.phase === 'attention'
    const { phase } = this
    if (phase !== this.#published.phase || needs !== this.#published.needs) {
      upsertSearchAttributes([
        ...(phase === this.#published.phase ? [] : [{ key: PHASE, value: phase as string }]),
        ...(needs === this.#published.needs ? [] : [{ key: NEEDS_DECISION, value: needs }]),
      ])
      this.#published = { phase, needs }
    }
    setCurrentDetails(describeRun(this.view()))
  }

  view(): RunView {
    return {
      id: this.id,
      agent: this.input.agent,
      request: this.input.request,
      requester: this.input.requester,
      phase: this.phase,
      plan: this.plan,
      steps: this.steps,
      effects: this.effects,
      findings: this.findings,
      decision: this.decision,
      decisions: this.decisions,
      undo: this.undo,
      answer: this.answer,
      reason: this.reason,
      usage: this.usage,
      notices: this.notices,
      windowEnds: this.windowEnds,
      started: this.#started,
      settled: this.settled,
    }
  }
}

function toStepView(step: Step): StepView {
  return {
    id: step.id,
    kind: step.kind,
    purpose: step.purpose,
    state: 'pending',
    generation: 0,
    code: null,
    language: step.kind === 'code' ? step.language : null,
    vetting: [],
    evidence: null,
    error: null,
  }
}
