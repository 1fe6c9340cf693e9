import type { Client } from '@temporalio/client'
import { UPDATES } from '../run/names.ts'
import type { BeginAttempt, BegunAttempt, PerformedEffect, PerformEffect } from '../run/ports.ts'

/** How egress and sandbox speak to the run they work for: by updates, each under an id, so that a resent one is the same. */
export interface RunUpdates {
  beginAttempt(run: string, args: BeginAttempt): Promise<BegunAttempt>
  performEffect(run: string, args: PerformEffect, updateId: string): Promise<PerformedEffect>
}

export function createRunUpdates(client: Client): RunUpdates {
  return {
    async beginAttempt(run, args) {
      return await client.workflow.getHandle(run).executeUpdate<BegunAttempt, [BeginAttempt]>(UPDATES.beginAttempt, {
        args: [args],
        updateId: `begin-${args.attempt}`,
      })
    },
    async performEffect(run, args, updateId) {
      return await client.workflow
        .getHandle(run)
        .executeUpdate<PerformedEffect, [PerformEffect]>(UPDATES.performEffect, { args: [args], updateId })
    },
  }
}
