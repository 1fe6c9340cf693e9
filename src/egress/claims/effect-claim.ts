import { z } from 'zod'
import { Stored } from '../../run/stored.ts'

/** What the claim of an effect holds. */
export const EffectClaim = z.discriminatedUnion('kind', [
  /** Written before it is sent, with all that undoing it would need, should history be lost. */
  z.object({
    kind: z.literal('send'),
    /** When, milliseconds since 1970. */
    at: z.number(),
    request: z.unknown(),
    compensation: z.unknown(),
    before: z.unknown(),
    /** The header, if any, under which the service performs it once: sending it again takes the same. */
    idempotency: z.record(z.string(), z.string()).default({}),
  }),
  /** Takes the place of a claim, so that nobody can send the effect any more. */
  z.object({ kind: z.literal('tombstone'), at: z.number(), reason: z.string() }),
])
export type EffectClaim = z.infer<typeof EffectClaim>

const Answer = z.object({ status: z.number(), headers: z.record(z.string(), z.string()), body: Stored.nullable() })

/** What the outcome of that claim holds. `unknown` is never an outcome: it may become known. */
export const EffectOutcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('performed'), answer: Answer.nullable(), inferred: z.boolean() }),
  z.object({ kind: z.literal('refused'), answer: Answer.nullable(), reason: z.string() }),
  z.object({ kind: z.literal('not-sent'), reason: z.string() }),
])
export type EffectOutcome = z.infer<typeof EffectOutcome>
