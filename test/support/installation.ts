import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Client, createClient } from '../../src/client/index.ts'
import { parseConfig } from '../../src/config/parse.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { createModelServer } from '../../src/model/server/app.ts'
import { parseScript } from '../../src/model/server/script.ts'
import type { Role } from '../../src/worker/roles.ts'
import { type RunningWorker, startWorker } from '../../src/worker/worker.ts'

/** A whole Recourse in this process on a real Temporal server: workers of all roles, a scripted model, a client. */
export interface Installation extends AsyncDisposable {
  readonly client: Client
  readonly taskQueue: string
  readonly stateDir: string
  /** Of the scripted model. */
  readonly baseURL: string
  /** Ends the workers; runs stay where they are. */
  stopWorker(): Promise<void>
  startWorker(): Promise<void>
}

export interface InstallationOptions {
  readonly temporal: { readonly address: string; readonly namespace: string }
  readonly config: Omit<ConfigInput, 'models'>
  /** Entries of a model script, as in its file. */
  readonly script?: readonly unknown[]
  /** Models of single roles that are not the scripted one. */
  readonly models?: Omit<ConfigInput['models'], 'default'>
  /** False: somebody else runs the worker. */
  readonly worker?: boolean
  /** Without it, no sandbox role is started. */
  readonly image?: string
  readonly dockerSocket?: string
  /** Without it, the worker bundles the workflow code whenever it starts. */
  readonly workflowBundle?: string
}

export async function createInstallation(options: InstallationOptions): Promise<Installation> {
  const cleanup = new AsyncDisposableStack()
  const stateDir = cleanup.adopt(await mkdtemp(join(tmpdir(), 'rc-')), (dir) =>
    rm(dir, { recursive: true, force: true }),
  )
  const model = cleanup.adopt(createModelServer({ entries: parseScript(options.script ?? [], 'the test') }), (app) =>
    app.close(),
  )
  const baseURL = `${await model.listen({ port: 0, host: '127.0.0.1' })}/v1`
  const config = parseConfig({
    ...options.config,
    models: { default: { baseURL, apiKey: 'none', model: 'scripted/{role}' }, ...options.models },
  })
  const taskQueue = `test-${randomUUID()}`
  const roles: Role[] = ['orchestrator', 'model', 'egress', ...(options.image ? (['sandbox'] as const) : [])]
  let worker: RunningWorker | null = null
  const start = async () => {
    worker = await startWorker({
      config,
      resolveSecret: () => null,
      temporal: options.temporal,
      stateDir,
      image: options.image ?? '',
      ...(options.dockerSocket !== undefined && { dockerSocket: options.dockerSocket }),
      ...(options.workflowBundle !== undefined && { workflowBundle: options.workflowBundle }),
      taskQueue,
      roles,
      log: pino({ level: 'silent' }),
    })
  }
  const stop = async () => {
    await worker?.stop()
    worker = null
  }
  cleanup.defer(stop)
  const client = cleanup.adopt(createClient({ ...options.temporal, taskQueue }), (each) => each.close())
  if (options.worker !== false) await start()
  return {
    client,
    taskQueue,
    stateDir,
    baseURL,
    startWorker: start,
    stopWorker: stop,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}
