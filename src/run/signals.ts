import { z } from 'zod'

/** Payload of the signals `undo` and `confirm`; both may be bare. Names in it are recorded, never counted as proof. */
export const SignalPayload = z.strictObject({
  decision: z.string().optional(),
  digest: z.string().optional(),
  /** Ids; none: all. */
  effects: z.array(z.string()).optional(),
  actor: z.string().max(200).optional(),
  note: z.string().max(2000).optional(),
})
export type SignalPayload = z.infer<typeof SignalPayload>

/** Argument of the update `decide`. */
export const Decide = z.strictObject({
  /** Id of the open decision. */
  decision: z.string(),
  /** Its digest, as it was shown to whoever decides. */
  digest: z.string(),
  answer: z.enum(['approve', 'reject', 'confirm', 'undo']),
  actor: z.string().max(200).nullable().default(null),
  note: z.string().max(2000).nullable().default(null),
})
export type Decide = z.infer<typeof Decide>

export const ANSWERS = {
  approve: ['approve', 'reject'],
  confirm: ['confirm', 'undo'],
} as const
