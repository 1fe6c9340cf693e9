import { proxyActivities } from '@temporalio/workflow'

/** The baseline: what Temporal itself costs for as many activities that do nothing, on as many task queues. */

interface BareActivities {
  nothing(): Promise<void>
  print(): Promise<void>
}

const { nothing, print } = proxyActivities<BareActivities>({ startToCloseTimeout: '1 minute' })

/** `queues`: the task queue of each activity, in order; `print`: that of one more, or null. */
export async function bare(options: { queues: readonly string[]; print: string | null }): Promise<void> {
  for (const taskQueue of options.queues) await nothing.executeWithOptions({ taskQueue }, [])
  if (options.print !== null) await print.executeWithOptions({ taskQueue: options.print }, [])
}
