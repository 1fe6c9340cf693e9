import { z } from 'zod'

/** What a config needs to know of a tool; `defineTool` makes them, egress calls them. */
export interface AnyTool {
  readonly name: string
  readonly description: string
  /** Schema of the arguments. */
  readonly input: z.ZodType
  readonly effects: 'reads' | 'writes'
}

export function isTool(value: unknown): value is AnyTool {
  return Shape.safeParse(value).success
}

const Shape = z.object({
  name: z.string().min(1),
  description: z.string().min(1),
  // Not `instanceof`: the config may bring a zod of its own.
  input: z.custom((value) => typeof value === 'object' && value !== null && '_zod' in value),
  effects: z.enum(['reads', 'writes']),
})
