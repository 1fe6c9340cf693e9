import { mkdir } from 'node:fs/promises'
import { Client, Connection } from '@temporalio/client'
import { NativeConnection, Worker } from '@temporalio/worker'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { ResolveSecret } from '../config/secrets.ts'
import { toTaskQueues } from '../run/names.ts'
import { ensureSearchAttributes } from '../setup/search-attributes.ts'
import { createLog, installTemporalLog } from './log.ts'
import { createRole, type Role, ROLES, type RoleWorker } from './roles.ts'
import { createRunUpdates } from './run-updates.ts'

export interface WorkerSettings {
  readonly config: Config
  readonly resolveSecret: ResolveSecret
  readonly temporal: { readonly address: string; readonly namespace: string }
  /** Blobs, claims and sockets; every role of an installation shares it. */
  readonly stateDir: string
  /** Tag of the sandbox image; needed for the role `sandbox`. */
  readonly image: string
  /** Unix socket of the Docker engine. Default: what DOCKER_HOST says, else the system's. */
  readonly dockerSocket?: string
  /** Path of workflow code that was bundled beforehand. Default: the build's, else bundled now, which takes seconds. */
  readonly workflowBundle?: string
  /** Prefix of the task queues. */
  readonly taskQueue: string
  /** Default: all, in this one process. */
  readonly roles?: readonly Role[]
  readonly log?: Logger
}

/** Workers that poll. */
export interface RunningWorker {
  /** Rejects when a role dies; resolves after `stop`. */
  readonly done: Promise<void>
  /** Lets what is under way come to its end, then frees everything. */
  stop(): Promise<void>
}

/**
 * Composition root: starts the workers of the given roles.
 * @throws ConfigError for a config that can not be used; what Temporal's SDK throws when the server can not be reached.
 */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { temporal, stateDir, roles = ROLES } = settings
  const log = settings.log ?? createLog('info')
  installTemporalLog(log)
  await mkdir(stateDir, { recursive: true, mode: 0o700 })

  await using starting = new AsyncDisposableStack()
  const connection = starting.adopt(await Connection.connect({ address: temporal.address }), (each) => each.close())
  await ensureSearchAttributes(connection, temporal.namespace)
  const updates = createRunUpdates(new Client({ connection, namespace: temporal.namespace }))
  const native = starting.adopt(await NativeConnection.connect({ address: temporal.address }), (each) => each.close())
  const context = { ...settings, updates, queues: toTaskQueues(settings.taskQueue), log }
  const workers: Worker[] = []
  for (const role of roles) {
    const created: RoleWorker = starting.adopt(await createRole(role, context), (each) => each.close())
    workers.push(
      await Worker.create({
        connection: native,
        namespace: temporal.namespace,
        identity: `recourse-${role}-${process.pid}`,
        // How soon an activity learns that it was cancelled, and the server that it is alive.
        maxHeartbeatThrottleInterval: '1 second',
        defaultHeartbeatThrottleInterval: '1 second',
        // A killed worker's runs (and queries to them) go to another after this long, instead of ten seconds.
        stickyQueueScheduleToStartTimeout: '5 seconds',
        shutdownGraceTime: '20 seconds',
        ...created.options,
      }),
    )
  }
  const cleanup = starting.move()
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
  }
  const running = workers.map((worker) => worker.run())
  const done = (async () => {
    try {
      await Promise.all(running)
    } finally {
      // One role that dies takes the others with it: half a worker would leave runs waiting without a word.
      shutdown()
      await Promise.allSettled(running)
      await cleanup.disposeAsync()
    }
  })()
  log.info({ roles, taskQueue: settings.taskQueue, temporal: temporal.address }, 'worker is up')
  return {
    done,
    stop: async () => {
      shutdown()
      await done
    },
  }
}
