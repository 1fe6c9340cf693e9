import { z } from 'zod'

/** Parsed by every door a plan comes through: the planner's answer, `start({ plan })`, a plan file. */

export const LANGUAGES = ['python', 'javascript'] as const
export const Language = z.enum(LANGUAGES)
export type Language = z.infer<typeof Language>

/** What a step says beforehand that it will touch. Effects beyond it are unannounced. */
export const Announcement = z.strictObject({
  connector: z.string().min(1),
  /** Routes as the connector declares them, e.g. `POST /messages`. */
  routes: z.array(z.string().min(1)),
})
export type Announcement = z.infer<typeof Announcement>

const stepId = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a step id is a lower-case letter, then up to 31 letters, digits, _ or -')

const common = {
  id: stepId,
  /** What the step is for, in a sentence. */
  purpose: z.string().min(1).max(2000),
  /** Ids of steps that must be done first. A `#<stepId>` in a purpose or an argument counts as well. */
  after: z.array(stepId).default([]),
}

export const CodeStep = z.strictObject({
  ...common,
  kind: z.literal('code'),
  language: Language.default('python'),
  announce: z.array(Announcement).default([]),
})
export const ToolStep = z.strictObject({
  ...common,
  kind: z.literal('tool'),
  tool: z.string().min(1),
  arguments: z.record(z.string(), z.unknown()).default({}),
})
export const AnswerStep = z.strictObject({ ...common, kind: z.literal('answer') })

export const Step = z.discriminatedUnion('kind', [CodeStep, ToolStep, AnswerStep])
export type Step = z.infer<typeof Step>
export type CodeStep = z.infer<typeof CodeStep>
export type ToolStep = z.infer<typeof ToolStep>

export const Plan = z.strictObject({ steps: z.array(Step).min(1).max(200) })
export type Plan = z.infer<typeof Plan>
