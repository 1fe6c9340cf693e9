import type { Client } from '../client/client.ts'
import type { ConnectionOptions } from './command.ts'

/**
 * A client for a command: options first, then what `recourse up` started in this folder, then the environment.
 * Hands it to `work` and closes it.
 */
export async function withClient<T>(options: ConnectionOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const [{ createClient }, { readEnvironment }, { readProjectState }] = await Promise.all([
    import('../client/index.ts'),
    import('../config/environment.ts'),
    import('../setup/state.ts'),
  ])
  const environment = readEnvironment()
  const state = options.address === undefined ? await readProjectState(process.cwd()) : null
  const client = createClient({
    address: options.address ?? state?.temporal.address ?? environment.temporalAddress ?? '127.0.0.1:7233',
    namespace: options.namespace ?? state?.temporal.namespace ?? environment.temporalNamespace,
    taskQueue: options.taskQueue ?? state?.taskQueue ?? environment.taskQueue,
  })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}
