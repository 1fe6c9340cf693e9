import { z } from 'zod'
import { Announcement, Language, Plan } from './plan.ts'

/** Longest request, characters. A longer one is refused when the run is started. */
export const REQUEST_LIMIT = 32_000

/** Code handed in instead of a request: planner and coder are skipped, everything else applies. */
export const GivenCode = z.strictObject({
  code: z.string().min(1).max(256_000),
  language: Language,
  /** Without it, the code announces all that the agent may touch. */
  announce: z.array(Announcement).optional(),
})
export type GivenCode = z.infer<typeof GivenCode>

/** The one argument of the workflow `agentRun`. */
export const RunInput = z.strictObject({
  agent: z.string().min(1),
  /** Plain language. With `plan` or `given`: what the run is for, shown to whoever decides. */
  request: z.string().min(1).max(REQUEST_LIMIT),
  /** Data for planner, coder and tools; never concatenated into instructions. */
  input: z.record(z.string(), z.unknown()).default({}),
  requester: z.string().nullable().default(null),
  plan: Plan.nullable().default(null),
  given: GivenCode.nullable().default(null),
  /** Can only tighten the agent's policy (`human` is stricter than `judge`, `judge` than `auto`). */
  confirm: z.enum(['human', 'judge', 'auto']).nullable().default(null),
  /** Prefix of the task queues of the installation that runs it. */
  taskQueue: z.string().min(1),
})
export type RunInput = z.infer<typeof RunInput>
