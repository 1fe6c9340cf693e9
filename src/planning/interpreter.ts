import { z } from 'zod'
import { toAgentText, toToolsText } from '../model/agent-text.ts'
import { type Asking, type Found, toFirstTurn, toFoundPart } from '../model/asking.ts'
import type { AnswerShape, Completion } from '../model/models.ts'
import type { AgentSnapshot } from '../run/agent.ts'

export interface InterpretArgs {
  readonly agent: AgentSnapshot
  readonly request: string
  readonly done: readonly Found[]
}

export interface Interpreted {
  readonly kind: 'answer' | 'more' | 'unanswerable'
  /** Empty unless `kind` is `answer`. */
  readonly answer: string
}

const shape: AnswerShape<Interpreted> = {
  name: 'interpretation',
  zod: z
    .object({
      kind: z.enum(['answer', 'more', 'unanswerable']),
      answer: z
        .string()
        .nullish()
        .transform((answer) => answer ?? ''),
    })
    .refine(({ kind, answer }) => kind !== 'answer' || answer.trim() !== '', {
      path: ['answer'],
      message: 'must hold the answer where kind is "answer"',
    }),
  json: {
    type: 'object',
    properties: {
      kind: { type: 'string', enum: ['answer', 'more', 'unanswerable'] },
      answer: { type: 'string', description: 'empty unless kind is answer' },
    },
    required: ['kind', 'answer'],
    additionalProperties: false,
  },
}

/** Asks what the tools' outputs say to the request: an answer, that one more call is needed, or that there is none. */
export async function interpret(asking: Asking, args: InterpretArgs): Promise<Completion<Interpreted>> {
  const { agent, request, done } = args
  const prompt = asking.prompts.interpreter
  const system = prompt.render({ agent: toAgentText(agent), tools: toToolsText(agent) })
  const turns = [toFirstTurn(request, [toFoundPart('What the tools found out.', done)])]
  const { models, signal } = asking
  return await models.complete({
    role: 'interpreter',
    system,
    promptDigest: prompt.digest,
    turns,
    schema: shape,
    signal,
  })
}
