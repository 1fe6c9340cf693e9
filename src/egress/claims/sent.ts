import type { RecalledEffect } from '../../run/ports.ts'
import type { Claims } from './claims.ts'
import { EffectClaim } from './effect-claim.ts'
import { effectKey } from './keys.ts'

/** Ids of the effects of a run that somebody claimed to send: all of them, also those that its history has forgotten. */
export async function listSent(claims: Claims, run: string): Promise<string[]> {
  const shelf = effectKey(run, '')
  const names = (await claims.list(shelf)).map((key) => key.slice(shelf.length))
  // An effect's id has dots, and what is claimed about its undo comes after a slash.
  return names.filter((name) => name.includes('.') && !name.includes('/'))
}

/** What undoing those effects needs, as it was when they were claimed. Those that were fenced instead are left out. */
export async function recallSent(claims: Claims, run: string, effects: readonly string[]): Promise<RecalledEffect[]> {
  const recalled = await Promise.all(
    effects.map(async (effect): Promise<RecalledEffect[]> => {
      const claim = EffectClaim.safeParse((await claims.read(effectKey(run, effect)))?.value).data
      if (claim?.kind !== 'send') return []
      // Written by perform, from the workflow's own arguments.
      const { request, compensation, before } = claim as unknown as Omit<RecalledEffect, 'effect'>
      return [{ effect, request, compensation, before }]
    }),
  )
  return recalled.flat()
}
