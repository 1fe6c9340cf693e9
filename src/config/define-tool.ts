import type { z } from 'zod'
import type { ToolDefinition } from '../run/tool.ts'

export { notFound } from '../run/tool.ts'
export type { ToolContext, ToolDefinition, ToolHttp, ToolRequest, ToolResponse } from '../run/tool.ts'

/** Defines a typed tool. An error thrown by `run` goes back to the model with its message. */
export function defineTool<Input extends z.ZodType>(tool: ToolDefinition<Input>): ToolDefinition<Input> {
  return tool
}
