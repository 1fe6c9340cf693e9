import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WorkerOptions } from '@temporalio/worker'
import type { Logger } from 'pino'
import { createDirectoryBlobs } from '../blobs/directory.ts'
import type { Config } from '../config/schema.ts'
import type { ResolveSecret } from '../config/secrets.ts'
import { toAgentSnapshot, toModels, toUpstreams } from '../config/resolve.ts'
import type { ToolDefinition } from '../config/define-tool.ts'
import type { TaskQueues } from '../run/names.ts'
import type { RunUpdates } from './run-updates.ts'

export const ROLES = ['orchestrator', 'model', 'sandbox', 'egress'] as const
export type Role = (typeof ROLES)[number]

export interface RoleContext {
  readonly config: Config
  readonly resolveSecret: ResolveSecret
  /** Blobs, claims, sockets. */
  readonly stateDir: string
  readonly updates: RunUpdates
  readonly queues: TaskQueues
  /** Tag of the sandbox image. */
  readonly image: string
  /** Unix socket of the Docker engine. Default: what DOCKER_HOST says, else the system's. */
  readonly dockerSocket?: string
  /** Path of workflow code that was bundled beforehand. Default: the build's, else bundled when the worker starts. */
  readonly workflowBundle?: string
  readonly log: Logger
}

/** A role's part of a worker, and what ends it. */
export interface RoleWorker {
  readonly options: Pick<WorkerOptions, 'activities' | 'workflowBundle' | 'taskQueue'>
  close(): Promise<void>
}

/**
 * Composition by role. Each loads only the code of its role, so that a process that is egress alone never has Docker's
 * client in memory, and one that is sandbox alone never sees a secret.
 */
export async function createRole(role: Role, context: RoleContext): Promise<RoleWorker> {
  const blobs = createDirectoryBlobs(join(context.stateDir, 'blobs'))
  const { config, resolveSecret, updates, queues } = context
  const nothing = async () => {}
  switch (role) {
    case 'orchestrator': {
      const { createRunActivities } = await import('../activities/run.ts')
      const agents = Object.keys(config.agents)
      const snapshots = new Map(agents.map((name) => [name, toAgentSnapshot(config, name)]))
      const activities = createRunActivities({ blobs, agents, agent: (name) => snapshots.get(name) ?? null })
      return {
        options: {
          ...(await workflows(context.workflowBundle)),
          activities: { ...activities },
          taskQueue: queues.orchestrator,
        },
        close: nothing,
      }
    }
    case 'model': {
      const [{ createModelActivities }, { createModels }, { createVetter }] = await Promise.all([
        import('../activities/model.ts'),
        import('../model/client.ts'),
        import('../vetting/vet.ts'),
      ])
      const models = createModels(toModels(config, resolveSecret))
      const activities = createModelActivities({ models, blobs, vet: createVetter() })
      return { options: { activities: { ...activities }, taskQueue: queues.model }, close: async () => models.close() }
    }
    case 'sandbox': {
      const [{ createSandboxActivities }, { createDockerDriver }] = await Promise.all([
        import('../activities/sandbox.ts'),
        import('../sandbox/docker/driver.ts'),
      ])
      const { image, stateDir, dockerSocket } = context
      const driver = createDockerDriver({
        image,
        stateDir,
        ...(dockerSocket !== undefined && { socketPath: dockerSocket }),
      })
      // One pool for each set of connectors that some agent may touch; others fill up when they are first used.
      const sets = Object.keys(config.agents).map((name) => toAgentSnapshot(config, name).connectors)
      for (const connectors of sets) {
        driver.warm(connectors.map(({ host, port }) => ({ host, port }))).catch((error: unknown) => {
          context.log.warn({ error: String(error) }, 'the warm pool could not be filled; runs start slower')
        })
      }
      const activities = createSandboxActivities({ driver, blobs, beginAttempt: updates.beginAttempt })
      return { options: { activities: { ...activities }, taskQueue: queues.sandbox }, close: () => driver.close() }
    }
    case 'egress': {
      const [{ createEgressActivities }, { createEgress }, { createHttpUpstreams }, { createDirectoryClaims }] =
        await Promise.all([
          import('../activities/egress.ts'),
          import('../egress/egress.ts'),
          import('../egress/connectors/http.ts'),
          import('../egress/claims/directory.ts'),
        ])
      const upstreams = toUpstreams(config, resolveSecret)
      const claims = createDirectoryClaims(join(context.stateDir, 'claims'))
      const egress = createEgress({
        stateDir: context.stateDir,
        claims,
        blobs,
        upstreams: createHttpUpstreams(Object.fromEntries(upstreams.map((each) => [each.name, each]))),
        tools: Object.fromEntries(config.tools.map((tool) => [tool.name, tool as ToolDefinition])),
        performEffect: updates.performEffect,
        beginAttempt: updates.beginAttempt,
      })
      const activities = createEgressActivities(egress, claims)
      return { options: { activities: { ...activities }, taskQueue: queues.egress }, close: () => egress.close() }
    }
  }
}

/** The bundle made by the build; from source it is bundled when the worker starts. */
async function workflows(prebuilt: string | undefined): Promise<Pick<WorkerOptions, 'workflowBundle'>> {
  const bundle = prebuilt ?? fileURLToPath(new URL('../workflows/bundle.js', import.meta.url))
  if (existsSync(bundle)) return { workflowBundle: { codePath: bundle } }
  const { bundleWorkflows } = await import('./bundle.ts')
  return { workflowBundle: await bundleWorkflows() }
}
