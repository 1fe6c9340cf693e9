import { z } from 'zod'
import { withoutThinking } from '../model/answer.ts'
import { toAgentText } from '../model/agent-text.ts'
import { type Asking, type Found, toFirstTurn, toFoundPart, toInputPart } from '../model/asking.ts'
import type { Completion } from '../model/models.ts'
import { fenceData } from '../model/text.ts'
import type { AgentSnapshot } from '../run/agent.ts'
import type { Plan } from '../run/plan.ts'

export interface SolveArgs {
  readonly agent: AgentSnapshot
  readonly request: string
  readonly input: Record<string, unknown>
  readonly plan: Plan
  readonly found: readonly Found[]
  /** What happened, a line an effect, as the runtime knows it. */
  readonly effects: readonly string[]
}

/** Asks for the answer a person gets, from plan, results and effects alone. */
export async function solve(asking: Asking, args: SolveArgs): Promise<Completion<string>> {
  const { agent, request, input, plan, found, effects } = args
  const prompt = asking.prompts.solver
  const system = prompt.render({ agent: toAgentText(agent) })
  const steps = plan.steps.map((step) => `${step.id} (${step.kind}): ${step.purpose}`).join('\n')
  const turns = [
    toFirstTurn(request, [
      toInputPart(input),
      `The plan that was carried out:\n${fenceData('plan', steps)}`,
      toFoundPart('The results of its steps.', found),
      effects.length > 0
        ? `The changes that were made, as recorded:\n${fenceData('changes', effects.join('\n'))}`
        : 'No changes were made.',
    ]),
  ]
  const { models, signal } = asking
  const completion = await models.complete({ role: 'solver', system, promptDigest: prompt.digest, turns, signal })
  return completion.kind === 'value' ? { ...completion, value: toAnswer(completion.value) } : completion
}

const Wrapped = z.strictObject({ answer: z.string().min(1) })

/** Plain text is asked for; models that like JSON wrap it all the same. */
function toAnswer(text: string): string {
  const plain = withoutThinking(text)
  if (!plain.startsWith('{')) return plain
  try {
    const parsed = Wrapped.safeParse(JSON.parse(plain))
    return parsed.success ? parsed.data.answer : plain
  } catch {
    return plain
  }
}
