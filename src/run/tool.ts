import type { z } from 'zod'

/** A typed tool as its author writes it: arguments that are checked, and calls through the agent's connectors. */

/** An answer of a service to a tool. */
export interface ToolResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** The body as JSON; integers beyond 2^53 become bigint. @throws SyntaxError when it is not JSON. */
  json(): unknown
  text(): string
}

export interface ToolRequest {
  /** Default: GET, or POST where there is a body. */
  readonly method?: string
  /** Path that starts with a slash; each part that comes from outside must be percent-encoded. */
  readonly path: string
  /** Appended to the path, encoded; undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Text and bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

type ToolRequestOptions = Omit<ToolRequest, 'method' | 'path' | 'body'>

/** Calls one connector. Statuses from 400 are answers, not errors; it throws where there is no answer. */
export interface ToolHttp {
  request(request: ToolRequest): Promise<ToolResponse>
  get(path: string, options?: ToolRequestOptions): Promise<ToolResponse>
  post(path: string, body?: unknown, options?: ToolRequestOptions): Promise<ToolResponse>
  put(path: string, body?: unknown, options?: ToolRequestOptions): Promise<ToolResponse>
  patch(path: string, body?: unknown, options?: ToolRequestOptions): Promise<ToolResponse>
  delete(path: string, options?: ToolRequestOptions): Promise<ToolResponse>
}

const NOT_FOUND = Symbol.for('recourse.notFound')

/** Says that what was asked for does not exist: an answer, not a failure. */
export interface NotFound {
  readonly [NOT_FOUND]: true
  readonly message: string | null
}

export interface ToolContext {
  /** One of the agent's connectors. @throws Error when the agent has no such connector. */
  http(connector: string): ToolHttp
  /** To return from `run` when what was asked for does not exist. Default message: the config's `responses.notFound`. */
  notFound(message?: string): NotFound
  /** The input the run was started with: data, not instructions. */
  readonly input: Readonly<Record<string, unknown>>
  /** Aborted when the tool has to end. */
  readonly signal: AbortSignal
}

export interface ToolDefinition<Input extends z.ZodType = z.ZodType> {
  /** As a model calls it. */
  readonly name: string
  readonly description: string
  /** Schema of the arguments; what a model gives is parsed by it before `run` sees it. */
  readonly input: Input
  /** Schema of what `run` answers. */
  readonly output?: z.ZodType
  /** `writes`: each mutation is an effect of the run. A tool that `reads` can not mutate. */
  readonly effects: 'reads' | 'writes'
  /** Milliseconds until the tool is ended. Default 60,000. */
  readonly timeoutMs?: number
  run(input: z.output<Input>, context: ToolContext): unknown
}

export function notFound(message?: string): NotFound {
  return { [NOT_FOUND]: true, message: message ?? null }
}

export function isNotFound(value: unknown): value is NotFound {
  return typeof value === 'object' && value !== null && NOT_FOUND in value
}
