import type { PerformedEffect, PerformEffect } from '../../run/ports.ts'

/** Sends the update `performEffect` to a run. `updateId` is the same for a resent one. */
export type SendEffect = (run: string, args: PerformEffect, updateId: string) => Promise<PerformedEffect>

/** Updates of one run in flight; the server refuses an eleventh, and a person's decision must still get through. */
const MOST = 8

/** Queues what is beyond the limit, run by run, in the order of arrival. One for all who send effects. */
export function limitInFlight(send: SendEffect, most: number = MOST): SendEffect {
  const runs = new Map<string, { underway: number; waiting: (() => void)[] }>()
  return async (run, args, updateId) => {
    const state = runs.get(run) ?? { underway: 0, waiting: [] }
    runs.set(run, state)
    if (state.underway < most) state.underway += 1
    // Whoever ends hands its place over, so that nobody can slip in between.
    else await new Promise<void>((resolve) => state.waiting.push(resolve))
    try {
      return await send(run, args, updateId)
    } finally {
      const next = state.waiting.shift()
      if (next) next()
      else if ((state.underway -= 1) === 0) runs.delete(run)
    }
  }
}
