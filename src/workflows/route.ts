import type { ToolStep } from '../run/plan.ts'
import type { ToolCall } from '../run/ports.ts'
import { callTool } from './tool-step.ts'
import type { RunContext } from './context.ts'

/**
 * Route mode: the model picks one tool or none, the interpreter decides done or once more. The plain case costs two model
 * calls; everything that has no answer gets the default one from the config.
 */
export async function routeRequest(context: RunContext): Promise<string> {
  const { run, input, activities } = context
  const { responses, budgets } = run.agent
  const done: ToolCall[] = []
  let error: string | null = null
  let repairs = budgets.repairs
  for (let calls = 0; calls < budgets.toolCalls;) {
    const routed: Awaited<ReturnType<typeof activities.model.route>> = run.charge(
      await activities.model.route.executeWithOptions({ summary: 'pick a tool' }, [
        { agent: run.agent, request: input.request, input: input.input, error, done },
      ]),
    )
    if (routed.kind === 'none') return responses.default
    if (routed.kind === 'unusable') {
      run.notice(`no tool could be picked: ${routed.error}`)
      return responses.default
    }
    const tool = run.agent.tools.find((each) => each.name === routed.tool)
    if (!tool) {
      error = `there is no tool "${routed.tool}"; pick one of ${run.agent.tools.map((each) => each.name).join(', ')}, or none`
      if (repairs-- <= 0) return responses.default
      continue
    }
    calls += 1
    const step: ToolStep = {
      id: `s${run.steps.length + 1}`,
      kind: 'tool',
      purpose: `answer the request with ${routed.tool}`,
      after: [],
      tool: routed.tool,
      arguments: routed.arguments,
    }
    run.addStep(step)
    // Looking something up is part of finding the answer; each change of phase costs an event.
    if (tool.effects === 'writes' && run.phase !== 'acting') run.setPhase('acting')
    const outcome = await callTool(context, step)
    if (outcome.kind === 'not-found') return responses.notFound[routed.tool] ?? outcome.message ?? responses.default
    if (outcome.kind === 'error') {
      error = outcome.error
      if (repairs-- <= 0) return responses.default
      continue
    }
    error = null
    done.push({ tool: routed.tool, arguments: routed.arguments, output: outcome.output })
    const read = run.charge(
      await activities.model.interpret.executeWithOptions({ summary: 'read what the tool answered' }, [
        { agent: run.agent, request: input.request, done },
      ]),
    )
    if (read.kind === 'answer') return read.answer
    if (read.kind === 'unanswerable') return responses.default
    if (read.kind === 'unusable') {
      run.notice(`the tool's answer could not be interpreted: ${read.error}`)
      return responses.default
    }
  }
  return responses.default
}
