import type { PerformOutcome } from '../run/effect.ts'
import type { PerformArgs } from '../run/ports.ts'
import type { EffectClaim } from './claims/effect-claim.ts'
import { effectKey } from './claims/keys.ts'
import { fromClaim } from './perform.ts'
import type { PerformPorts } from './perform.ts'

/**
 * Finds out what became of an effect whose `perform` was lost. Where nobody claimed it, a tombstone takes the place of
 * the claim: a sender that wakes up later finds it and sends nothing. Idempotent.
 */
export async function settle(ports: PerformPorts, args: PerformArgs): Promise<PerformOutcome> {
  const reason = 'it was lost before it was sent, and is fenced so that it never will be'
  const tombstone: EffectClaim = { kind: 'tombstone', at: Date.now(), reason }
  const claim = await ports.claims.create(effectKey(args.run, args.effect), tombstone)
  if (claim.created) return { kind: 'not-sent', reason }
  return await fromClaim(ports, args, claim)
}
