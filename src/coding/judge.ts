import { z } from 'zod'
import { toAgentText } from '../model/agent-text.ts'
import { type Asking, toFirstTurn } from '../model/asking.ts'
import type { AnswerShape, Completion } from '../model/models.ts'
import { fenceData } from '../model/text.ts'
import type { AgentSnapshot } from '../run/agent.ts'
import { describeEffect } from '../run/describe.ts'
import type { Effect } from '../run/effect.ts'
import type { Finding } from '../run/findings.ts'
import type { Plan } from '../run/plan.ts'

export interface JudgeArgs {
  readonly agent: AgentSnapshot
  readonly request: string
  readonly plan: Plan
  readonly effects: readonly Effect[]
  readonly findings: readonly Finding[]
}

export interface Judgement {
  readonly answer: 'confirm' | 'undo' | 'human'
  readonly reason: string
}

const shape: AnswerShape<Judgement> = {
  name: 'judgement',
  zod: z.object({ answer: z.enum(['confirm', 'undo', 'human']), reason: z.string().min(1).max(2000) }),
}

/** Asks whether what happened may stand, from plan, effects and findings; never from code. */
export async function judge(asking: Asking, args: JudgeArgs): Promise<Completion<Judgement>> {
  const { agent, request, plan, effects, findings } = args
  const prompt = asking.prompts.judge
  const system = prompt.render({ agent: toAgentText(agent) })
  const turns = [
    toFirstTurn(request, [
      `The plan:\n${fenceData('plan', JSON.stringify(plan))}`,
      `The changes, as recorded:\n${fenceData('changes', effects.map(toEffectText).join('\n') || 'none')}`,
      `What the runtime noticed:\n${fenceData('noticed', findings.map((each) => `- ${each.message}`).join('\n') || 'nothing')}`,
    ]),
  ]
  const { models, signal } = asking
  return await models.complete({ role: 'judge', system, promptDigest: prompt.digest, turns, schema: shape, signal })
}

/** With the body that was sent, where it is small enough to be kept with the effect. */
function toEffectText(effect: Effect): string {
  const body = effect.request.body?.text
  const irreversible = effect.compensation.kind === 'none' ? '\n  nothing undoes it' : ''
  return `${describeEffect(effect)}${body === undefined ? '' : `\n  sent: ${body}`}${irreversible}`
}
