import type { Effect, Verdict } from './effect.ts'
import type { Finding } from './findings.ts'
import type { Step } from './plan.ts'
import type { Stored } from './stored.ts'

/** A run from outside: what the query `run` answers, what the client, the commands and `--json` show. */

export const PHASES = [
  'planning',
  'acting',
  'waiting',
  'confirmed',
  'releasing',
  'undoing',
  'undone',
  'completed',
  'rejected',
  'cancelled',
  'failed',
  'attention',
] as const
export type Phase = (typeof PHASES)[number]

/** Phases in which nothing more happens by itself, except that a window to undo may still be open. */
export const SETTLED: ReadonlySet<Phase> = new Set([
  'confirmed',
  'undone',
  'completed',
  'rejected',
  'cancelled',
  'failed',
  'attention',
])

export interface VetFinding {
  readonly rule: string
  readonly permission: 'allow' | 'ask' | 'deny'
  /** From 1; 0 where the whole code is meant. */
  readonly line: number
  readonly reason: string
}

export interface StepView {
  readonly id: string
  readonly kind: Step['kind']
  readonly purpose: string
  state:
    | 'pending'
    | 'generating'
    | 'vetting'
    | 'asking'
    | 'executing'
    | 'validating'
    | 'calling'
    | 'answering'
    | 'done'
    | 'failed'
    | 'skipped'
  generation: number
  /** Digest of the code that ran last. */
  code: Stored | null
  language: string | null
  vetting: VetFinding[]
  /** What the step found out: a tool's output, a code's result or its output. */
  evidence: Stored | null
  /** Why it failed, or why its last attempt did. */
  error: string | null
}

export interface Decision {
  readonly id: string
  readonly kind: 'approve' | 'confirm'
  /** Covers all that is decided on: an answer counts only for the digest it names. */
  readonly digest: string
  readonly question: string
  /** Ids of the effects it is about. */
  readonly effects: readonly string[]
  readonly step: string | null
  /** What the runtime itself would answer, from the findings; null: no opinion. */
  readonly recommended: 'confirm' | 'undo' | null
  /** ISO 8601. */
  readonly opened: string
  readonly deadline: string
  readonly onTimeout: 'undo' | 'confirm' | 'escalate' | 'reject'
}

export interface DecisionRecord extends Decision {
  readonly answer: 'approve' | 'reject' | 'confirm' | 'undo' | 'timeout'
  readonly actor: string
  /** False for names that came in a signal: recorded, never counted. */
  readonly authenticated: boolean
  readonly note: string | null
  readonly answered: string
}

export interface UndoView {
  /** Why it was undone: who asked, or what failed. */
  readonly reason: string
  readonly actor: string | null
  /** The worst verdict; null while it goes on. */
  verdict: Verdict | null
  readonly failures: { readonly effect: string; readonly verdict: Verdict; readonly note: string }[]
}

export interface Usage {
  modelCalls: number
  promptTokens: number
  completionTokens: number
}

export interface RunView {
  readonly id: string
  readonly agent: string
  readonly request: string
  readonly requester: string | null
  readonly phase: Phase
  readonly plan: { readonly steps: readonly Step[] } | null
  readonly steps: readonly StepView[]
  readonly effects: readonly Effect[]
  readonly findings: readonly Finding[]
  readonly decision: Decision | null
  readonly decisions: readonly DecisionRecord[]
  readonly undo: UndoView | null
  readonly answer: string | null
  /** Why the run failed, was cancelled or needs attention. */
  readonly reason: string | null
  readonly usage: Usage
  /** What else an operator should know: signals that were not understood, waits for a part that is down. */
  readonly notices: readonly string[]
  /** ISO 8601; until then a confirmed run can be undone. */
  readonly windowEnds: string | null
  readonly started: string
  readonly settled: string | null
}
