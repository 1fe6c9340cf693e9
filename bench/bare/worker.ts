import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker'
import { toTaskQueues } from '../../src/run/names.ts'

export interface BareOptions {
  readonly address: string
  readonly namespace: string
  /** Prefix of the task queues, which are as many as ours. */
  readonly taskQueue: string
  readonly print: () => Promise<void>
}

/** Workers for the bare workflow, in this process: a task queue a role, as ours. */
export async function startBareWorker({ address, namespace, taskQueue, print }: BareOptions): Promise<AsyncDisposable> {
  const connection = await NativeConnection.connect({ address })
  const activities = { nothing: async () => {}, print }
  const { orchestrator, ...others } = toTaskQueues(taskQueue)
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('workflows.ts', import.meta.url)),
  })
  const workers = [
    await Worker.create({ connection, namespace, taskQueue: orchestrator, workflowBundle, activities }),
    ...(await Promise.all(
      Object.values(others).map((queue) => Worker.create({ connection, namespace, taskQueue: queue, activities })),
    )),
  ]
  const running = workers.map((worker) => worker.run())
  return {
    [Symbol.asyncDispose]: async () => {
      for (const worker of workers) worker.shutdown()
      await Promise.all(running)
      await connection.close()
    },
  }
}

/** The task queues of a run's activities by role, with another prefix: what the bare workflow is to do. */
export async function toBareQueues(client: Client, run: string, from: string, to: string): Promise<string[]> {
  const { events } = await client.workflow.getHandle(run).fetchHistory()
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    if (!scheduled || scheduled.activityType?.name === 'execute') return []
    return [String(scheduled.taskQueue?.name).replace(from, to)]
  })
}
