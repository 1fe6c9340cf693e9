import { z } from 'zod'
import { toAgentText, toConnectorsText, toToolsText } from '../model/agent-text.ts'
import { type Asking, toErrorTurn, toFirstTurn, toInputPart } from '../model/asking.ts'
import { toJsonSchema } from '../model/json-schema.ts'
import type { AnswerShape, Completion, Turn } from '../model/models.ts'
import type { AgentSnapshot } from '../run/agent.ts'
import { Plan } from '../run/plan.ts'

export interface PlanArgs {
  readonly agent: AgentSnapshot
  readonly request: string
  readonly input: Record<string, unknown>
  /** The plan before and what exactly was wrong with it. */
  readonly previous: { readonly plan: unknown; readonly errors: readonly string[] } | null
}

/** Loosely parsed: `checkPlan` knows the agent and finds every error at once. The model is told the whole schema. */
const shape: AnswerShape<{ steps: unknown[] }> = {
  name: 'plan',
  zod: z.object({ steps: z.array(z.unknown()) }),
  json: toJsonSchema(Plan),
}

/** Asks for a plan; with `previous`, for that plan mended. */
export async function plan(asking: Asking, args: PlanArgs): Promise<Completion<{ steps: unknown[] }>> {
  const { agent, request, input, previous } = args
  const prompt = asking.prompts.planner
  const system = prompt.render({
    agent: toAgentText(agent),
    connectors: toConnectorsText(agent),
    tools: toToolsText(agent),
    maxSteps: String(agent.budgets.steps),
  })
  const turns: Turn[] = [toFirstTurn(request, [toInputPart(input)])]
  if (previous) {
    turns.push({ from: 'model', text: JSON.stringify(previous.plan ?? null) })
    turns.push(toErrorTurn('That plan can not be used. Mend these errors:', previous.errors.join('\n')))
  }
  const { models, signal } = asking
  return await models.complete({ role: 'planner', system, promptDigest: prompt.digest, turns, schema: shape, signal })
}
