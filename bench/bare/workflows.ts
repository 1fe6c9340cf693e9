import { proxyActivities } from '@temporalio/workflow'

/** The baseline: what Temporal itself costs for as many activities that do nothing. */

interface BareActivities {
  nothing(): Promise<void>
  print(): Promise<void>
}

const { nothing, print } = proxyActivities<BareActivities>({ startToCloseTimeout: '1 minute' })

export async function bare(options: { activities: number; print: boolean }): Promise<void> {
  for (let done = 0; done < options.activities; done++) await nothing()
  if (options.print) await print()
}
