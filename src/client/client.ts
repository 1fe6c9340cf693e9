import type { ConnectionLike } from '@temporalio/client'
import { defineSearchAttributeKey, SearchAttributeType, WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { digestOf } from '../run/digest.ts'
import { DEFAULT_TASK_QUEUE, toTaskQueues, WORKFLOWS } from '../run/names.ts'
import { createAccess } from './access.ts'
import { errors } from './errors.ts'
import { checkRunId, createRunId } from './ids.ts'
import { listRuns } from './list.ts'
import type { ListOptions, RunSummary } from './list.ts'
import { createRun } from './run-handle.ts'
import type { Run, StartedRun } from './run-handle.ts'
import { toRunInput } from './start-input.ts'
import type { StartOptions } from './start-input.ts'

export interface ClientOptions {
  /** A connection of one's own (TLS, API keys); it stays the caller's to close. Default: one to `address`. */
  connection?: ConnectionLike
  /** `host:port` of Temporal. Default: `127.0.0.1:7233`. */
  address?: string
  /** Default: `default`. */
  namespace?: string
  /** Prefix of the task queues of the installation. Default: `recourse`. */
  taskQueue?: string
}

/** What a backend imports: starts runs, waits for them, decides on them. Throws `RecourseError` only. */
export interface Client {
  /** Starts a run, or finds the one that has this id already. */
  start(options: StartOptions): Promise<StartedRun>
  /** A run by its id; asks nothing yet. */
  run(id: string): Run
  list(options?: ListOptions): Promise<RunSummary[]>
  /** Ends the connection, where it is the client's own. */
  close(): Promise<void>
}

/** Connects when first used. */
export function createClient(options: ClientOptions = {}): Client {
  const taskQueue = options.taskQueue ?? DEFAULT_TASK_QUEUE
  const access = createAccess({
    connection: options.connection ?? null,
    place: {
      address: options.address ?? (options.connection ? 'the given connection' : '127.0.0.1:7233'),
      namespace: options.namespace ?? 'default',
      taskQueue,
    },
  })

  return {
    start: async (wanted) => {
      const id = wanted.id === undefined ? createRunId() : checkRunId(wanted.id)
      const input = toRunInput(wanted, taskQueue)
      const digest = digestOf(input)
      const request = cut(input.request)
      return access.call('the run cannot be started', id, async (workflows) => {
        try {
          await workflows.start(WORKFLOWS.agentRun, {
            workflowId: id,
            taskQueue: toTaskQueues(taskQueue).orchestrator,
            args: [input],
            // The same id twice is one run, also after it closed.
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            memo: { agent: input.agent, request, digest },
            typedSearchAttributes: [
              { key: defineSearchAttributeKey('RecoursePhase', SearchAttributeType.KEYWORD), value: 'planning' },
              { key: defineSearchAttributeKey('RecourseNeedsDecision', SearchAttributeType.BOOL), value: false },
              { key: defineSearchAttributeKey('RecourseAgent', SearchAttributeType.KEYWORD), value: input.agent },
            ],
            staticSummary: request,
          })
          return { ...createRun(access, id), existing: false, differs: false }
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
          const { memo } = await workflows.getHandle(id).describe()
          return {
            ...createRun(access, id),
            existing: true,
            differs: memo?.digest !== undefined && memo.digest !== digest,
          }
        }
      })
    },
    run: (id) => {
      if (typeof id !== 'string' || id === '') throw errors.invalidId(String(id), 'it is empty')
      return createRun(access, id)
    },
    list: (wanted) => listRuns(access, wanted),
    close: () => access.close(),
  }
}

/** One line, short enough for a list. */
function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}
