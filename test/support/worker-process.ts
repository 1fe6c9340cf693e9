import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { z } from 'zod'
import { parseConfig } from '../../src/config/parse.ts'
import { ROLES } from '../../src/worker/roles.ts'
import { startWorker } from '../../src/worker/worker.ts'
import { toCalendarConfig } from './calendar-config.ts'

/**
 * A worker in a process of its own, to be killed outright. The config is made again over there, from what can be written
 * down of it: tools are code.
 */
const Settings = z.object({
  temporal: z.object({ address: z.string(), namespace: z.string() }),
  stateDir: z.string(),
  taskQueue: z.string(),
  image: z.string(),
  workflowBundle: z.string(),
  upstream: z.string(),
  agents: z.record(z.string(), z.object({}).loose()),
  baseURL: z.string(),
})
export type WorkerProcessSettings = z.infer<typeof Settings>

export interface WorkerProcess {
  /** `SIGKILL`: nothing it has under way is ended in order. */
  kill(): Promise<void>
}

/** Starts the process and waits until its worker polls. */
export async function spawnWorker(settings: WorkerProcessSettings): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    exited.then(([code]) => {
      throw new Error(`the worker process ended with ${String(code)}`)
    }),
  ])
  return {
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

if (import.meta.main) {
  const { upstream, agents, baseURL, image, ...settings } = Settings.parse(JSON.parse(process.argv[2] ?? ''))
  await startWorker({
    ...settings,
    image,
    roles: ROLES.filter((role) => role !== 'sandbox' || image !== ''),
    config: parseConfig({
      ...toCalendarConfig(upstream, agents),
      models: { default: { baseURL, apiKey: 'none', model: 'scripted/{role}' } },
    }),
    resolveSecret: () => null,
    log: pino({ level: 'silent' }),
  })
  process.stdout.write('up\n')
}
