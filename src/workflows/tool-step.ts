import { isCancellation } from '@temporalio/workflow'
import type { ToolStep } from '../run/plan.ts'
import type { EgressActivities } from '../run/ports.ts'
import { compensate, rootMessage } from './compensate.ts'
import { type RunContext, StepFailed } from './context.ts'

export type ToolOutcome = Awaited<ReturnType<EgressActivities['callTool']>>

/** bind ▸ check ▸ perform ▸ validate. A tool's "not found" is an answer, not a failure. */
export async function callTool(context: RunContext, step: ToolStep): Promise<ToolOutcome> {
  const { run, input, activities, attempts } = context
  const view = run.step(step.id)
  const generation = ++view.generation
  view.state = 'calling'
  const connectors = [...run.agent.connectors]
  attempts.expect(step.id, generation, connectors)
  let outcome: ToolOutcome
  try {
    outcome = await activities.tools.callTool.executeWithOptions(
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
          connectors,
        },
      ],
    )
  } catch (error) {
    if (isCancellation(error)) throw error
    outcome = { kind: 'error', error: rootMessage(error) }
  }
  const denied = await attempts.close(step.id)
  const left = run.effectsOf(step.id, generation)
  if (outcome.kind === 'error') {
    // Its effects go before anybody may try again.
    await compensate(run, activities, left)
    view.error = outcome.error
    run.setStep(step.id, 'failed')
    return outcome
  }
  if (left.length > 0 || denied.length > 0) {
    const { findings } = await activities.run.validate.executeWithOptions(
      { summary: `compare ${step.id} with its plan` },
      [{ step, announcesAll: false, effects: left, denied }],
    )
    run.findings.push(...findings)
  }
  view.evidence = outcome.kind === 'ok' ? outcome.output : null
  view.state = 'done'
  return outcome
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
