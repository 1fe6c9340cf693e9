import type { z } from 'zod'
import type { Usage } from '../run/view.ts'
import type { Read } from './answer.ts'
import type { Role } from './config.ts'

/** The port to models: what planning and coding ask through. */

export interface Turn {
  readonly from: 'user' | 'model'
  readonly text: string
}

/** The form an answer must have. Make one once and use it again: its JSON Schema is derived once. */
export interface AnswerShape<T> {
  /** Letters, digits, _ and -. */
  readonly name: string
  readonly zod: z.ZodType<T>
  /** JSON Schema to send where it says more than `zod` checks. */
  readonly json?: Readonly<Record<string, unknown>>
  /** How to ask for it in words, for models without JSON schema. Default: a fenced JSON block with the schema. */
  readonly fenced?: string
  /** How to read it. Default: the one JSON object in the text that fits `zod`. */
  readonly read?: (text: string) => Read<T>
}

export interface CompleteArgs<T> {
  readonly role: Role
  /** Stable text first, so that providers' prompt caches hit. */
  readonly system: string
  /** Digest of the prompt file `system` was made from. Default: the digest of `system`. */
  readonly promptDigest?: string
  /** Alternating, starting with the user. */
  readonly turns: readonly Turn[]
  /** Without it the text itself is the value. */
  readonly schema?: AnswerShape<T>
  readonly signal: AbortSignal
}

export type UnusableReason = 'refusal' | 'content-filter' | 'length' | 'empty' | 'invalid'

export type Completion<T> = {
  /** What the model wrote last. */
  readonly text: string
  /** Of all calls, a repair included. */
  readonly usage: Usage
  /** As the provider names it. */
  readonly model: string
  readonly promptDigest: string
} & (
  | { readonly kind: 'value'; readonly value: T }
  /** An answer that can not be used is a value: trying the same again would not help. */
  | { readonly kind: 'unusable'; readonly reason: UnusableReason; readonly error: string }
)

export interface Models {
  /**
   * Asks the model of a role. An answer that does not fit `schema` goes back once with the exact error.
   * @throws ModelError for trouble with the provider, mapped to a retry class; nothing is retried here.
   */
  complete<T = string>(args: CompleteArgs<T>): Promise<Completion<T>>
  /** Closes idle connections. */
  close(): Promise<void>
}
