import { z } from 'zod'

/** What a model can be asked to be. Each role has a prompt of its own and may have a model of its own. */
export const ROLES = ['planner', 'coder', 'vetter', 'router', 'interpreter', 'solver', 'judge'] as const
export const Role = z.enum(ROLES)
export type Role = z.infer<typeof Role>

export const ModelSpec = z.strictObject({
  /** OpenAI-compatible, e.g. `https://api.openai.com/v1`. */
  baseURL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL, such as https://api.openai.com/v1' }),
  /** Already resolved. Servers without keys take any text. */
  apiKey: z.string().min(1, 'must not be empty; a server that needs no key takes any text, such as "none"'),
  /** `{role}` is replaced with the role's name. */
  model: z.string().min(1),
  /** `schema`: JSON schema in `response_format`. `fenced`: asked for in words, for servers without it. */
  structured: z.enum(['schema', 'fenced']).default('schema'),
  /** Not sent where it is not set: some models accept only their own default. */
  temperature: z.number().min(0).max(2).optional(),
  /** Tokens of one answer. */
  maxTokens: z.int().positive().optional(),
  /** Milliseconds until one request is given up. */
  timeoutMs: z.int().positive().default(120_000),
})
export type ModelSpec = z.infer<typeof ModelSpec>

/** The model of every role; `default` serves the roles that are not named. */
export const ModelsConfig = z.strictObject({
  default: ModelSpec,
  planner: ModelSpec.optional(),
  coder: ModelSpec.optional(),
  vetter: ModelSpec.optional(),
  router: ModelSpec.optional(),
  interpreter: ModelSpec.optional(),
  solver: ModelSpec.optional(),
  judge: ModelSpec.optional(),
})
export type ModelsConfig = z.infer<typeof ModelsConfig>
