import { Connection, WorkflowClient } from '@temporalio/client'
import type { ConnectionLike } from '@temporalio/client'
import type { Place } from './errors.ts'
import { errors } from './errors.ts'
import { toRecourseError } from './failures.ts'

/** Longest wait for one answer of Temporal, milliseconds. */
const CALL_MS = 10_000
const CONNECT_MS = 5_000

/** The one way to Temporal: connects when first used, bounds every call, and speaks only `RecourseError`. */
export interface Access {
  readonly place: Place
  /** @param what What is tried, as the start of a sentence, for the error. */
  call<T>(what: string, id: string | null, work: (workflows: WorkflowClient) => Promise<T>): Promise<T>
  /** As `call`, for a long poll: bounded by the signal instead of by time. */
  poll<T>(signal: AbortSignal, work: (workflows: WorkflowClient) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function createAccess(options: { connection: ConnectionLike | null; place: Place }): Access {
  const { place } = options
  let own: Promise<Connection> | null = null

  async function connect(): Promise<ConnectionLike> {
    if (options.connection) return options.connection
    own ??= Connection.connect({ address: place.address, connectTimeout: CONNECT_MS })
    try {
      return await own
    } catch (error) {
      // The next call tries again.
      own = null
      throw errors.unreachable(place, { cause: error })
    }
  }

  async function answers(connection: ConnectionLike): Promise<boolean> {
    try {
      await connection.withDeadline(Date.now() + CONNECT_MS, () => connection.workflowService.getSystemInfo({}))
      return true
    } catch {
      return false
    }
  }

  const toClient = (connection: ConnectionLike) => new WorkflowClient({ connection, namespace: place.namespace })

  return {
    place,
    call: async (what, id, work) => {
      const connection = await connect()
      try {
        return await connection.withDeadline(Date.now() + CALL_MS, () => work(toClient(connection)))
      } catch (error) {
        const failure = toRecourseError(error, { what, id, place })
        // A deadline passes both when no worker answers and when Temporal itself went away.
        if (failure.code === 'NO_WORKER' && !(await answers(connection)))
          throw errors.unreachable(place, { cause: error })
        throw failure
      }
    },
    poll: async (signal, work) => {
      const connection = await connect()
      return connection.withAbortSignal(signal, () => work(toClient(connection)))
    },
    close: async () => {
      const connection = own
      own = null
      // A connection that was handed in stays its owner's.
      if (connection) await (await connection).close()
    },
  }
}
