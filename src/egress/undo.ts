import type { Effect, UndoOutcome } from '../run/effect.ts'
import { EffectClaim, EffectOutcome } from './claims/effect-claim.ts'
import { effectKey, undoKey } from './claims/keys.ts'
import { loadImage } from './images.ts'
import type { Image } from './images.ts'
import type { PerformPorts } from './perform.ts'
import { failed, loadContext } from './undo-context.ts'
import type { UndoArgs } from './undo-context.ts'
import { invert } from './undo-inverse.ts'
import { restore } from './undo-restore.ts'

/**
 * Undoes one effect and reads it back. The resource decides, not what somebody remembers having done: an undo that was
 * killed in the middle finishes later, once.
 * @throws ServiceUnavailable when the service can not be asked now; whatever it answers is a verdict.
 */
export async function undo(ports: PerformPorts, args: UndoArgs): Promise<UndoOutcome> {
  const { effect, run } = args
  const { compensation } = effect
  if (effect.state === 'refused') {
    const note = 'the service refused it, so there was nothing to undo and nothing was read'
    return { verdict: 'unverified', guard: null, note, readBack: null, drift: [] }
  }
  if (compensation.kind === 'discard' || effect.state === 'held' || effect.state === 'registered') {
    const discarded = await discard(ports, args)
    if (discarded) return discarded
  }
  switch (compensation.kind) {
    case 'discard':
      return failed('it was to be discarded, but it has been sent; undo it by hand')
    case 'none': {
      const note = `nothing can undo it: ${compensation.reason}`
      return { verdict: 'irreversible', guard: null, note, readBack: null, drift: [] }
    }
    case 'restore':
    case 'inverse': {
      const target = toTarget(effect, await loadImage(effect.before, ports.blobs))
      await ports.claims.create(undoKey(run, effect.id), { at: Date.now(), target: effect.before, left: effect.after })
      const context = await loadContext(ports, args, target)
      return compensation.kind === 'restore'
        ? await restore(context, compensation.method)
        : await invert(context, compensation)
    }
  }
}

/** Proves that an effect was never sent, and makes sure that it never will be. null: it has been sent. */
async function discard({ claims }: PerformPorts, { run, effect }: UndoArgs): Promise<UndoOutcome | null> {
  const reason = 'it was discarded'
  const tombstone: EffectClaim = { kind: 'tombstone', at: Date.now(), reason }
  const claim = await claims.create(effectKey(run, effect.id), tombstone)
  const note = 'it was never sent: no claim to send it exists, and none can be made any more'
  const discarded = { verdict: 'discarded', guard: null, note, readBack: null, drift: [] } as const
  if (claim.created || EffectClaim.parse(claim.value).kind === 'tombstone') return { ...discarded, drift: [] }
  const outcome = claim.outcome === null ? null : EffectOutcome.parse(claim.outcome)
  if (outcome?.kind !== 'not-sent') return null
  return { ...discarded, note: `it was never sent: ${outcome.reason}`, drift: [] }
}

/**
 * What the resource has to read as again. Where it could not be read beforehand because its id came with the answer: it
 * did not exist, if the answer was 201 and the id is under the collection that was posted to.
 */
function toTarget(effect: Effect, before: Image | null): Image | null {
  if (before !== null || effect.before !== null) return before
  const { request, resource, answer } = effect
  const collection = (request.target.split('?', 1)[0] ?? request.target).replace(/\/$/, '')
  const created = request.method === 'POST' && answer?.status === 201 && resource?.startsWith(`${collection}/`) === true
  return created ? { kind: 'absent' } : null
}
