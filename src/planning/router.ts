import { z } from 'zod'
import { toAgentText, toToolsText } from '../model/agent-text.ts'
import { type Asking, type Found, toErrorTurn, toFirstTurn, toFoundPart, toInputPart } from '../model/asking.ts'
import type { AnswerShape, Completion, Turn } from '../model/models.ts'
import type { AgentSnapshot } from '../run/agent.ts'

export interface RouteArgs {
  readonly agent: AgentSnapshot
  readonly request: string
  readonly input: Record<string, unknown>
  /** Why the last choice did not work. */
  readonly error: string | null
  /** Tool calls made before and what they found. */
  readonly done: readonly Found[]
}

export type Routed =
  | { readonly kind: 'call'; readonly tool: string; readonly arguments: Record<string, unknown> }
  | { readonly kind: 'none' }

/** Asks which tool answers a request, or none. A tool that does not exist goes back to the model as an error. */
export async function route(asking: Asking, args: RouteArgs): Promise<Completion<Routed>> {
  const { agent, request, input, error, done } = args
  const prompt = asking.prompts.router
  const system = prompt.render({ agent: toAgentText(agent), tools: toToolsText(agent) })
  const turns: Turn[] = [
    toFirstTurn(request, [toInputPart(input), toFoundPart('What was found out so far, call by call.', done)]),
  ]
  if (error !== null) {
    turns.push({ from: 'model', text: '(the call that failed)' }, toErrorTurn('That did not work. Mend it:', error))
  }
  const { models, signal } = asking
  const schema = toShape(agent.tools.map((tool) => tool.name))
  return await models.complete({ role: 'router', system, promptDigest: prompt.digest, turns, schema, signal })
}

const shapes = new Map<string, AnswerShape<Routed>>()

/** One shape a set of tools; there are as many as there are agents. */
function toShape(tools: readonly string[]): AnswerShape<Routed> {
  const key = JSON.stringify(tools)
  const known = shapes.get(key)
  if (known) return known
  const call = z.object({
    kind: z.literal('call'),
    tool: tools.length > 0 ? z.enum(tools) : z.never(),
    arguments: z.record(z.string(), z.unknown()).default({}),
  })
  const none = z.object({ kind: z.literal('none') })
  const shape: AnswerShape<Routed> = { name: 'route', zod: z.discriminatedUnion('kind', [call, none]) }
  // Configs that are edited while the worker runs must not add up.
  if (shapes.size >= 500) shapes.clear()
  shapes.set(key, shape)
  return shape
}
