import { CancellationScope, isCancellation } from '@temporalio/workflow'
import type { ToolStep } from '../run/plan.ts'
import type { EgressActivities } from '../run/ports.ts'
import { afterLoss, askFor, undoAttempt } from './again.ts'
import { rootMessage } from './compensate.ts'
import { type RunContext, StepFailed } from './context.ts'

export type ToolOutcome = Awaited<ReturnType<EgressActivities['callTool']>>

/**
 * bind ▸ check ▸ (ask) ▸ perform ▸ validate. A tool's "not found" is an answer, not a failure; a call that was lost, or ended
 * by an effect that must be asked about, is made again once its effects are undone.
 */
export async function callTool(context: RunContext, step: ToolStep): Promise<ToolOutcome> {
  const { run, activities, attempts, effects } = context
  const view = run.step(step.id)
  for (let losses = 0; ;) {
    const generation = run.nextGeneration(step.id)
    run.setStep(step.id, 'calling')
    effects.parked.delete(step.id)
    attempts.expect(step.id, generation, run.agent.connectors)
    const called = await callOnce(context, step, generation)
    const denied = await attempts.close(step.id)

    const parked = effects.parked.get(step.id)
    if (parked) {
      await undoAttempt(context, step.id, generation)
      await askFor(context, step.id, parked)
      continue
    }
    if (called.kind === 'lost') {
      await undoAttempt(context, step.id, generation)
      await afterLoss(context, `${step.id}.${generation}`, ++losses, called.error)
      continue
    }
    const { outcome } = called
    if (outcome.kind === 'error') {
      // Its effects go before anybody may try again.
      await undoAttempt(context, step.id, generation)
      view.error = outcome.error
      run.setStep(step.id, 'failed')
      return outcome
    }
    const left = run.effectsOf(step.id, generation)
    if (left.length > 0 || denied.length > 0) {
      const { findings } = await activities.run.validate.executeWithOptions(
        { summary: `compare ${step.id} with its plan` },
        [{ step, announcesAll: false, effects: left, denied }],
      )
      run.findings.push(...findings)
    }
    view.evidence = outcome.kind === 'ok' ? outcome.output : null
    view.error = null
    run.setStep(step.id, 'done')
    return outcome
  }
}

type Called = { kind: 'called'; outcome: ToolOutcome } | { kind: 'lost'; error: string }

async function callOnce(context: RunContext, step: ToolStep, generation: number): Promise<Called> {
  const { run, input, activities, effects } = context
  const scope = new CancellationScope()
  try {
    const outcome = await scope.run(async () => {
      const calling = activities.tools.callTool.executeWithOptions(
        { summary: `${step.tool} ${JSON.stringify(step.arguments).slice(0, 100)}` },
        [
          {
            run: run.id,
            agent: run.agent.name,
            step: step.id,
            generation,
            tool: step.tool,
            arguments: step.arguments,
            input: input.input,
            connectors: [...run.agent.connectors],
          },
        ],
      )
      effects.onParked(step.id, () => scope.cancel())
      return await calling
    })
    return { kind: 'called', outcome }
  } catch (error) {
    if (isCancellation(error) && !effects.parked.has(step.id)) throw error
    return { kind: 'lost', error: rootMessage(error) }
  } finally {
    effects.onParked(step.id, null)
  }
}

/** A planned tool step: an error ends the step, and so the run. */
export async function toolStep(context: RunContext, step: ToolStep): Promise<void> {
  const outcome = await callTool(context, step)
  if (outcome.kind === 'error') throw new StepFailed('fail', `step ${step.id} failed: ${outcome.error}`)
  if (outcome.kind === 'not-found') {
    const { notFound, default: fallback } = context.run.agent.responses
    context.run.step(step.id).error = outcome.message ?? notFound[step.tool] ?? fallback
  }
}
