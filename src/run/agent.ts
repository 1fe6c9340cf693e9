/**
 * What a run may do, as data: the agent's part of the config, resolved once when the run starts and kept with it, so that
 * a config edited in the middle of a run changes nothing about that run.
 */

/** `allow < hold < ask < deny`; where several apply the strictest wins. */
export type Permission = 'allow' | 'hold' | 'ask' | 'deny'

export type Method = 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A declared route of an HTTP connector. Templates use `{name}` for one path segment. */
export interface RouteSpec {
  /** Unique within the connector, e.g. `PATCH /events/{id}`. */
  readonly route: string
  readonly method: Method
  /** e.g. `/events/{id}`. */
  readonly template: string
  /** True: the route changes nothing. GET, HEAD and OPTIONS default to true, everything else to false. */
  readonly read: boolean
  /** Strictest with the agent's own; undefined: the agent's `effects` permission applies. */
  readonly permission?: Permission
  /**
   * Path template of the resource the route changes; `{name}` from the request path, `{response.field}` from its answer
   * (dots descend). Default: the request path for PUT, PATCH and DELETE; none for POST. null: nothing that can be read.
   */
  readonly resource?: string | null
  /**
   * Declared inverse call, e.g. `DELETE /invites/{response.id}`. `created`: it removes what the effect created, and is
   * made only where the answer proves that (201).
   */
  readonly undo?: { readonly method: Method; readonly template: string; readonly created?: true }
  /** Top-level or dotted fields that change by themselves (`updatedAt`); never compared, never written back. */
  readonly volatile: readonly string[]
  /** Fields that only the service sets, dotted: compared like all others, never written back, never drift. */
  readonly readOnly?: readonly string[]
  /** Fields that a body may hold, dotted: an undo by this route writes no others. Default: any. */
  readonly writable?: readonly string[]
  /** Fields it takes that no reading shows as they were sent: what they were before can not be put back. */
  readonly unreadable?: readonly string[]
  /** Media type of a body that undo writes. Default: as it was sent, or as it is read. */
  readonly media?: string
  /** False: this PUT replaces and does not create. Default: true. */
  readonly creates?: boolean
  /** Name of the header, lower case, that takes a key under which the service performs a request once. */
  readonly idempotency?: string
  /** Why an undo can not write by this route. Default: it can. */
  readonly unfit?: string
  /** Why nothing undoes it, where more is known than that nothing is declared. */
  readonly noUndo?: string
  /** True: nothing undoes this, whatever the method says. */
  readonly irreversible: boolean
  /** What code is answered while the effect is held. Default: 202 with the request's JSON object plus a `held-` id. */
  readonly standIn?: { readonly status: number; readonly body: unknown }
}

export interface ConnectorSnapshot {
  readonly name: string
  readonly kind: 'http'
  /** Origin as generated code calls it, e.g. `http://calendar.example.com`. */
  readonly url: string
  /** Host name of `url`, lower case. */
  readonly host: string
  /** Port of `url`. */
  readonly port: number
  readonly description?: string
  readonly routes: readonly RouteSpec[]
  /** The OpenAPI document that routes were derived from. */
  readonly openapi?: { readonly digest: string }
}

export interface ToolSnapshot {
  readonly name: string
  readonly description: string
  /** JSON Schema of the arguments. */
  readonly input: unknown
  /** `writes`: each mutation the tool makes is an effect of the run. */
  readonly effects: 'reads' | 'writes'
}

export interface Policy {
  /** Permission of effects on declared routes that do not say otherwise. */
  readonly effects: Permission
  /** Permission of requests on routes that are not declared. */
  readonly undeclared: Permission
  /** True: an effect the plan did not announce is denied. False: performed and flagged if it restores exactly, else asked. */
  readonly strict: boolean
  /** Who confirms a run with effects: `human < judge < auto`, from strict to lax. `auto` and `judge` never confirm findings. */
  readonly confirm: 'human' | 'judge' | 'auto'
  /** Milliseconds until a `confirm` decision times out, and what happens then; a timeout is never read as an answer. */
  readonly confirmWithinMs: number
  readonly onConfirmTimeout: 'undo' | 'confirm' | 'escalate'
  /** Milliseconds until an `approve` decision times out; the outcome is always `reject`. */
  readonly approveWithinMs: number
  /** Milliseconds a confirmed run can still be undone. 0: closes at once. */
  readonly undoWindowMs: number
  /** Names that may decide; empty: whoever can reach the run. Where not empty, a bare `confirm` signal counts for nothing. */
  readonly approvers: readonly string[]
}

export interface Budgets {
  /** Times a bad plan, rejected code or failed code goes back to the model, per step. */
  readonly repairs: number
  /** Effects per run. */
  readonly effects: number
  /** Steps per plan. */
  readonly steps: number
  /** Steps that run at the same time. */
  readonly parallel: number
  /** Running time of one execution of code, milliseconds. */
  readonly codeMs: number
  /** Tool calls per run in route mode. */
  readonly toolCalls: number
}

export interface Responses {
  /** Given when no tool fits, or nothing can be answered. */
  readonly default: string
  /** By tool name: given when the tool reports that what was asked for does not exist. */
  readonly notFound: Readonly<Record<string, string>>
}

export interface AgentSnapshot {
  readonly name: string
  readonly description?: string
  readonly mode: 'plan' | 'route'
  readonly connectors: readonly ConnectorSnapshot[]
  readonly tools: readonly ToolSnapshot[]
  readonly policy: Policy
  readonly budgets: Budgets
  readonly responses: Responses
  /** Whether a model gives an opinion on code after the rule table; it can only be stricter. */
  readonly opinion: boolean
  /** Digest of the agent's part of the config. */
  readonly digest: string
}
