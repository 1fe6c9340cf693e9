import { type Client, WorkflowUpdateFailedError } from '@temporalio/client'
import { UPDATES } from '../run/names.ts'
import type { BeginAttempt, BegunAttempt, PerformedEffect, PerformEffect } from '../run/ports.ts'

/** How egress and sandbox speak to the run they work for: by updates, each under an id, so that a resent one is the same. */
export interface RunUpdates {
  beginAttempt(run: string, args: BeginAttempt): Promise<BegunAttempt>
  performEffect(run: string, args: PerformEffect, updateId: string): Promise<PerformedEffect>
}

export function createRunUpdates(client: Client): RunUpdates {
  return {
    beginAttempt(run, args) {
      const options = { args: [args] as [BeginAttempt], updateId: `begin-${args.attempt}` }
      const handle = client.workflow.getHandle(run)
      return said(handle.executeUpdate<BegunAttempt, [BeginAttempt]>(UPDATES.beginAttempt, options))
    },
    performEffect(run, args, updateId) {
      const options = { args: [args] as [PerformEffect], updateId }
      const handle = client.workflow.getHandle(run)
      return said(handle.executeUpdate<PerformedEffect, [PerformEffect]>(UPDATES.performEffect, options))
    },
  }
}

/** What the run itself said where it refused, instead of "Workflow Update failed". */
async function said<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw error instanceof WorkflowUpdateFailedError && error.cause ? error.cause : error
  }
}
