import { z } from 'zod'
import type { ToolDefinition } from './define-tool.ts'

/** What `defineTool` takes, as far as it can be seen from outside. */
const Shape = z.object({
  name: z.string(),
  description: z.string().min(1),
  // Not `instanceof`: the config may bring a zod of its own.
  input: z.custom((value) => typeof value === 'object' && value !== null && '_zod' in value),
  effects: z.enum(['reads', 'writes']),
  run: z.custom((value) => typeof value === 'function'),
})

export function isTool(value: unknown): value is ToolDefinition {
  return Shape.safeParse(value).success
}
