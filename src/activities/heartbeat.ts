import { Context } from '@temporalio/activity'

/** Where an activity has no heartbeat timeout. */
const DEFAULT_INTERVAL_MS = 5_000
/** Cancellation reaches an activity only with a heartbeat's answer: somebody who says undo waits for it. */
const LONGEST_INTERVAL_MS = 1_000

/**
 * Heartbeats until `work` is over, and hands it the signal of the activity's cancellation; its reason is what to throw
 * where the cancellation ended the work.
 */
export async function withHeartbeat<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current()
  const { heartbeatTimeoutMs } = context.info
  // The SDK thins out what it sends; a third leaves room for two that get lost.
  const interval =
    heartbeatTimeoutMs === undefined ? DEFAULT_INTERVAL_MS : Math.min(LONGEST_INTERVAL_MS, heartbeatTimeoutMs / 3)
  const timer = setInterval(() => context.heartbeat(), interval)
  try {
    return await work(context.cancellationSignal)
  } finally {
    clearInterval(timer)
  }
}
