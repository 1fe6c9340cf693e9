import type { AgentSnapshot, ConnectorSnapshot } from './agent.ts'
import type { Compensation, Effect, EffectRequest, PerformOutcome, Reading, UndoOutcome } from './effect.ts'
import type { Finding } from './findings.ts'
import type { Language, Plan, Step } from './plan.ts'
import type { Stored } from './stored.ts'
import type { RunView, Usage, VetFinding } from './view.ts'

/**
 * The activities of a run by role, as workflows see them. Domain answers are values; only infrastructure trouble throws.
 * Every argument and result is JSON and small (bodies are `Stored` references).
 */

/** A tool call of route mode and what it answered. */
export interface ToolCall {
  readonly tool: string
  readonly arguments: unknown
  readonly output: Stored
}

/** Every model activity reports what it cost. */
export interface Costed {
  readonly usage: Usage
  /** The model that answered, as the provider names it, and the digest of its prompt file; absent: no model was asked. */
  readonly made?: { readonly model: string; readonly prompt: string }
}

export interface Evidence {
  readonly step: string
  /** What the step found; null: nothing, and `note` says why. Cut to what a prompt can hold by whoever prompts. */
  readonly evidence: Stored | null
  readonly note: string | null
}

export interface ModelActivities {
  /** `errors` are those of the previous plan, exact, when it comes back. A plan that does not parse is a value too. */
  plan(args: {
    agent: AgentSnapshot
    request: string
    input: Record<string, unknown>
    previous: { plan: unknown; errors: string[] } | null
  }): Promise<Costed & ({ kind: 'plan'; plan: unknown } | { kind: 'unusable'; error: string })>
  /** Writes the code of one step. `previous` is the code before and why it was not good enough. */
  generate(args: {
    agent: AgentSnapshot
    request: string
    input: Record<string, unknown>
    step: Step
    evidence: Evidence[]
    previous: { code: Stored; error: string } | null
  }): Promise<Costed & ({ kind: 'code'; code: Stored } | { kind: 'unusable'; error: string })>
  /** Rule table over the parsed code, then (where the agent wants it) a model's opinion that can only be stricter. */
  vet(args: {
    agent: AgentSnapshot
    code: Stored
    language: Language
    step: Step
    /** False: rules only. */
    opinion: boolean
  }): Promise<Costed & { permission: 'allow' | 'ask' | 'deny'; findings: VetFinding[] }>
  /** Route mode: one tool, or none. `done` holds the calls made before. */
  route(args: {
    agent: AgentSnapshot
    request: string
    input: Record<string, unknown>
    error: string | null
    done: ToolCall[]
  }): Promise<
    Costed &
      (
        | { kind: 'call'; tool: string; arguments: Record<string, unknown> }
        | { kind: 'none' }
        | { kind: 'unusable'; error: string }
      )
  >
  /** Route mode: reads what the tools answered: an answer, once more, or unanswerable. */
  interpret(args: {
    agent: AgentSnapshot
    request: string
    done: ToolCall[]
  }): Promise<
    Costed &
      (
        | { kind: 'answer'; answer: string }
        | { kind: 'more' }
        | { kind: 'unanswerable' }
        | { kind: 'unusable'; error: string }
      )
  >
  /** Plan mode: answers from plan and evidence alone. */
  solve(args: {
    agent: AgentSnapshot
    request: string
    input: Record<string, unknown>
    plan: Plan
    evidence: Evidence[]
    /** What happened, as the runtime knows it. */
    effects: string[]
  }): Promise<Costed & ({ kind: 'answer'; answer: string } | { kind: 'unusable'; error: string })>
  judge(args: {
    agent: AgentSnapshot
    request: string
    plan: Plan
    effects: Effect[]
    findings: Finding[]
  }): Promise<Costed & { answer: 'confirm' | 'undo' | 'human'; reason: string }>
}

export interface ExecutionResult {
  readonly kind: 'exited' | 'timeout' | 'killed'
  /** null where it did not exit by itself. */
  readonly exitCode: number | null
  /** The last part of each, capped. */
  readonly stdout: Stored
  readonly stderr: Stored
  /** Where it failed, the end of what it printed, for whoever mends it: standard error, or output where that is empty. */
  readonly tail: string
  /** What the code passed to `recourse.result(...)`, as JSON text; null: nothing. */
  readonly result: Stored | null
  /** Milliseconds from the code's start to the container's exit. */
  readonly durationMs: number
}

export interface SandboxActivities {
  /**
   * Runs code once in a single-use container. First sends the update `beginAttempt` (the fence), which opens the gateway
   * session; returns when the container has exited. Heartbeats. One attempt: the workflow decides what a loss means.
   */
  execute(args: {
    run: string
    step: string
    generation: number
    code: Stored
    language: Language
    connectors: ConnectorSnapshot[]
    timeoutMs: number
  }): Promise<ExecutionResult>
}

/** A session: the one way out for one attempt of one step. */
export interface SessionSpec {
  readonly run: string
  readonly step: string
  readonly generation: number
  /** Random; the workflow accepts effects of the latest one only. */
  readonly attempt: string
  /** Only these can be reached; anything else is a policy denial. */
  readonly connectors: readonly ConnectorSnapshot[]
}

export interface EgressActivities {
  /** Marks the run id as used, for ever. `taken`: another run had it. */
  claimRun(args: { run: string; first: string }): Promise<{ kind: 'ours' | 'taken' }>
  /** Opens the gateway for an attempt; answers the path of the unix socket, and which effects of the run were ever sent. Opening it again closes the earlier one. */
  openSession(args: SessionSpec): Promise<{ socket: string; sent: string[] }>
  /** What undoing effects needs that were sent by a history of the run which was reset since. */
  recall(args: { run: string; effects: string[] }): Promise<RecalledEffect[]>
  /** Fence: closes every session of the step; requests under way end with a policy answer. Answers what was denied. */
  closeSession(args: {
    run: string
    step: string
  }): Promise<{ denied: { connector: string; method: string; target: string; reason: string }[] }>
  /** Reads the resource before an effect. Never throws for what a service answers. */
  captureBefore(args: { run: string; connector: ConnectorSnapshot; resource: string }): Promise<Reading>
  /**
   * Claim, send, store the outcome, read the resource afterwards. A second arrival answers the stored outcome. Never
   * retried by Temporal (`maximumAttempts: 1`); when it is lost, `settle` finds out.
   */
  perform(args: PerformArgs): Promise<PerformOutcome>
  /** After a lost `perform`: from the claim, then by the table of unknown outcomes. Idempotent. */
  settle(args: PerformArgs): Promise<PerformOutcome>
  /** Undoes one effect, at most once, and reads it back. Idempotent: retried by Temporal. */
  undo(args: { run: string; effect: Effect; connector: ConnectorSnapshot; force: boolean }): Promise<UndoOutcome>
  callTool(args: {
    run: string
    agent: string
    step: string
    generation: number
    tool: string
    arguments: Record<string, unknown>
    input: Record<string, unknown>
    connectors: ConnectorSnapshot[]
  }): Promise<
    | { kind: 'ok'; output: Stored }
    | { kind: 'not-found'; message: string | null }
    /** The arguments do not fit, or the tool failed in a way that a model may mend. */
    | { kind: 'error'; error: string }
  >
}

/** An effect as its claim remembers it. */
export interface RecalledEffect {
  readonly effect: string
  readonly request: EffectRequest
  readonly compensation: Compensation
  readonly before: Reading | null
}

export interface PerformArgs {
  readonly run: string
  readonly effect: string
  readonly connector: ConnectorSnapshot
  readonly request: EffectRequest
  readonly compensation: Compensation
  readonly before: Reading | null
}

export interface RunActivities {
  /** The agent's part of the config. An agent that does not exist is a value. */
  resolveAgent(args: {
    agent: string
  }): Promise<{ kind: 'agent'; agent: AgentSnapshot } | { kind: 'unknown'; error: string }>
  checkPlan(args: {
    agent: AgentSnapshot
    plan: unknown
  }): Promise<{ kind: 'ok'; plan: Plan } | { kind: 'bad'; errors: string[] }>
  /** Compares what the step announced with the effects that happened. */
  validate(args: {
    step: Step
    /** Code handed in without an announcement announces all that the agent may touch. */
    announcesAll: boolean
    effects: Effect[]
    denied: { connector: string; method: string; target: string; reason: string }[]
  }): Promise<{ findings: Finding[] }>
  /** Puts text into the blob store. */
  storeText(args: { text: string }): Promise<Stored>
  /** Keeps a run as it settled, so that the undo window and later commands have it by reference. */
  storeRun(args: { view: RunView; agent: AgentSnapshot }): Promise<Stored>
  loadRun(args: { run: Stored }): Promise<{ view: RunView; agent: AgentSnapshot }>
}

/** Argument and answer of the update `beginAttempt`. */
export interface BeginAttempt {
  readonly step: string
  readonly generation: number
  readonly attempt: string
}
export interface BegunAttempt {
  readonly socket: string
}

/** Argument and answer of the update `performEffect`. */
export interface PerformEffect {
  readonly step: string
  readonly generation: number
  readonly attempt: string
  readonly request: EffectRequest
}
export type PerformedEffect =
  | {
      readonly kind: 'answered'
      readonly effect: string
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: Stored | null
    }
  /** Held in the outbox: the declared stand-in. */
  | { readonly kind: 'held'; readonly effect: string; readonly status: number; readonly body: unknown }
  | { readonly kind: 'denied'; readonly reason: string }
  /** Asked first: the attempt is over, the step waits for a decision. */
  | { readonly kind: 'parked'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly effect: string; readonly reason: string }
