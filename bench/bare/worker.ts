import { fileURLToPath } from 'node:url'
import { NativeConnection, Worker } from '@temporalio/worker'

/** A worker for the bare workflow, in this process, with the same settings as ours. */
export async function startBareWorker(options: {
  address: string
  namespace: string
  taskQueue: string
  print: () => Promise<void>
}): Promise<AsyncDisposable> {
  const connection = await NativeConnection.connect({ address: options.address })
  const worker = await Worker.create({
    connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    workflowsPath: fileURLToPath(new URL('workflows.ts', import.meta.url)),
    activities: { nothing: async () => {}, print: options.print },
  })
  const running = worker.run()
  return {
    [Symbol.asyncDispose]: async () => {
      worker.shutdown()
      await running
      await connection.close()
    },
  }
}
