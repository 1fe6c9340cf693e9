import { z } from 'zod'
import { ROLES } from '../model/config.ts'
import type { ToolDefinition } from './define-tool.ts'
import type { RouteSpec } from '../run/agent.ts'
import { Duration } from './durations.ts'
import { PermissionName, RouteOptions } from './routes.ts'
import { isMarker } from './secrets.ts'
import type { EnvMarker, SecretMarker } from './secrets.ts'
import { isTool } from './tools.ts'

/** The shape of a config file. Rules that span several parts are in check.ts. */

export const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/
const name = z.string().regex(NAME, 'a name is a letter, then up to 62 letters, digits, _ or -')

const setting = z.custom<string | EnvMarker>(
  (value) => (typeof value === 'string' && value !== '') || (isMarker(value) && value.kind === 'env'),
  "must be text or env('NAME')",
)
const keySetting = z.custom<string | EnvMarker | SecretMarker>(
  (value) => (typeof value === 'string' && value !== '') || isMarker(value),
  "must be secret('NAME'), or text for a server that needs no key",
)
// A credential in a config ends up in a repository: only its name may stand there.
const credential = z.custom<SecretMarker>(
  (value) => isMarker(value) && value.kind === 'secret',
  "a credential is never written in the config: use secret('NAME')",
)

const model = {
  /** OpenAI-compatible, e.g. `https://api.openai.com/v1`. */
  baseURL: setting,
  apiKey: keySetting,
  /** `{role}` is replaced with the role's name. */
  model: setting,
  /** `schema`: JSON schema in `response_format`. `fenced`: asked for in words, for servers without it. */
  structured: z.enum(['schema', 'fenced']).optional(),
  temperature: z.number().min(0).max(2).optional(),
  /** Tokens of one answer. */
  maxTokens: z.number().int().positive().optional(),
  /** Until one request is given up. Default: two minutes. */
  timeout: Duration.optional(),
}
const ModelEntry = z.strictObject(model)
const RoleEntry = ModelEntry.partial()

export const HttpConnector = z.strictObject({
  kind: z.literal('http'),
  /** Origin as generated code calls it, without a path. */
  url: z.string(),
  /** Origin where the service really is, when it is another one. */
  upstream: setting.optional(),
  /** Put in by egress; neither models nor code see it. */
  auth: z
    .strictObject({
      bearer: credential.optional(),
      header: z
        .strictObject({ name: z.string().regex(/^[A-Za-z0-9-]+$/, 'is not a header name'), value: credential })
        .optional(),
    })
    .refine((auth) => (auth.bearer === undefined) !== (auth.header === undefined), 'needs either "bearer" or "header"')
    .optional(),
  /** What the service is, in a sentence, for models. */
  description: z.string().min(1).optional(),
  /**
   * An OpenAPI 3.0 or 3.1 document in JSON or YAML, its path relative to the config's folder. Routes are derived from it:
   * its GET, HEAD and OPTIONS are reads; what undoes the others is taken from what it shows about them, and left open where
   * it shows nothing (`recourse coverage <file>` says what and why). References to other files are not followed.
   */
  openapi: z.string().min(1).optional(),
  /**
   * By `METHOD /path/{name}`. Each field that is given here wins over what was derived from `openapi`; routes that are not
   * in that document are added to it.
   */
  routes: z.record(z.string(), RouteOptions).default({}),
  /** Until one request is given up. Default: 30 s. */
  timeout: Duration.default(30_000),
  /** How long the service may take to show a write in its reads. */
  settle: Duration.optional(),
})

const Policy = z.strictObject({
  /** Permission of effects on declared routes that do not say otherwise. */
  effects: PermissionName.default('allow'),
  /** Permission of requests on routes that are not declared. */
  undeclared: PermissionName.default('ask'),
  /** True: an effect the plan did not announce is denied. */
  strict: z.boolean().default(false),
  /** Who confirms a run with effects. `judge` and `auto` never confirm findings. */
  confirm: z.enum(['human', 'judge', 'auto']).default('human'),
  confirmWithin: Duration.default(7 * 86_400_000),
  /** A timeout is never read as an answer. */
  onConfirmTimeout: z.enum(['undo', 'confirm', 'escalate']).default('undo'),
  /** Afterwards the answer is `reject`. */
  approveWithin: Duration.default(86_400_000),
  /** How long a confirmed run can still be undone; 0: not at all. */
  undoWindow: Duration.default(30 * 86_400_000),
  /** Names that may decide; empty: whoever can reach the run. */
  approvers: z.array(z.string().min(1)).default([]),
})

const count = z.number().int().min(1)
const Budgets = z.strictObject({
  /** Times a bad plan, rejected code or failed code goes back to the model, per step. */
  repairs: z.number().int().min(0).max(20).default(2),
  /** Effects per run. */
  effects: count.max(10_000).default(1000),
  /** Steps per plan. */
  steps: count.max(200).default(50),
  /** Steps at the same time. */
  parallel: count.max(100).default(4),
  /** Running time of one execution of code. */
  codeTime: Duration.refine((ms) => ms > 0, 'must be more than 0').default(60_000),
  /** Tool calls per run in route mode. */
  toolCalls: count.max(100).default(4),
})

export const DEFAULT_RESPONSE = 'Sorry, I cannot answer that question.'

const Responses = z.strictObject({
  /** Given when no tool fits, or nothing can be answered. */
  default: z.string().min(1).default(DEFAULT_RESPONSE),
  /** By tool: given when what was asked for does not exist. */
  notFound: z.record(z.string(), z.string().min(1)).default({}),
})

const AgentEntry = z.strictObject({
  description: z.string().min(1).optional(),
  /** Names from `connectors`. */
  connectors: z.array(z.string()).default([]),
  /** Names of `tools`. */
  tools: z.array(z.string()).default([]),
  /** `plan`: plans, writes code. `route`: picks typed tools only. */
  mode: z.enum(['plan', 'route']).default('plan'),
  policy: Policy.prefault({}),
  budgets: Budgets.prefault({}),
  responses: Responses.prefault({}),
  /** Whether a model gives an opinion on code after the rule table; it can only be stricter. */
  opinion: z.boolean().default(true),
})

const roles = Object.fromEntries(ROLES.map((role) => [role, RoleEntry.optional()])) as Record<
  (typeof ROLES)[number],
  z.ZodOptional<typeof RoleEntry>
>

export const ConfigShape = z.strictObject({
  /** The model of every role; a role inherits what it does not say from `default`. */
  models: z.strictObject({ default: ModelEntry, ...roles }),
  connectors: z
    .record(
      name,
      z
        .custom<z.input<typeof HttpConnector>>(
          (value) => typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'http',
          'is not a connector: use http({ … })',
        )
        .pipe(HttpConnector),
    )
    .default({}),
  /** Made with `defineTool`. */
  tools: z.array(z.custom<ToolDefinition>(isTool, 'is not a tool: use defineTool({ … })')).default([]),
  agents: z.record(name, AgentEntry).refine((agents) => Object.keys(agents).length > 0, 'needs at least one agent'),
  /** Prefix of the task queues. Default: `RECOURSE_TASK_QUEUE`, else `recourse`. */
  taskQueue: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'must be letters, digits, _, . or -')
    .optional(),
})

/** What `defineConfig` takes. */
export type ConfigInput = z.input<typeof ConfigShape>
/** What a config file says, before the files that it names are read. */
export type ParsedConfig = z.output<typeof ConfigShape>
/** A config in which every default is filled in, every duration is milliseconds and every document is read. */
export interface Config extends Omit<ParsedConfig, 'connectors'> {
  readonly connectors: Record<string, ConnectorConfig>
}
export type AgentConfig = Config['agents'][string]
export interface ConnectorConfig extends Omit<z.output<typeof HttpConnector>, 'openapi' | 'routes'> {
  /** Derived and declared. */
  readonly routes: readonly RouteSpec[]
  /** Digest of the document that routes were derived from. */
  readonly openapi?: { readonly digest: string }
}
